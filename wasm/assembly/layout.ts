/**
 * Where everything lies in linear memory. Nothing is ever allocated: the memory is fixed, and the loader reads
 * these addresses from the module's exported globals.
 */

/** `SLOT_COUNT` slots of `SLOT_SIZE` bytes, as shared/esp/engine.ts has them. */
export const SLOT_SIZE: i32 = 2048;
export const SLOT_COUNT: i32 = 512;
export const SLOTS: usize = memory.data(1048576, 64);

/** Per slot four u16: start, end, result, next header. The loader copies its cursors in and out. */
export const DESCRIPTOR_SIZE: i32 = 8;
export const DESCRIPTORS: usize = memory.data(4096, 16);

/** One context per SA; see context.ts for what is in it. */
export const CONTEXT_SIZE: i32 = 1024;
export const CONTEXT_COUNT: i32 = 32;
export const CONTEXTS: usize = memory.data(32768, 16);

/** What the loader and the primitives hand each other, with room behind it for a hash's padding. */
export const IO_SIZE: i32 = 16384;
export const IO: usize = memory.data(16384, 64);

/** Cipher key and chaining value of the primitive in progress. */
export const PRIMITIVE_KEY: usize = memory.data(512, 16);
export const PRIMITIVE_IV: usize = memory.data(16, 16);

/** Running state of a hash, and its key's outer state. */
export const HASH_STATE: usize = memory.data(64, 16);
export const HASH_OUTER: usize = memory.data(64, 16);

/** The hashes' message schedule: at most 80 words of 8 bytes. */
export const SCHEDULE: usize = memory.data(640, 16);
/** The last, padded blocks of a message: at most two of 128 bytes. */
export const TAIL: usize = memory.data(256, 16);
/** A digest, a tag or a partial block on its way. */
export const BLOCK: usize = memory.data(64, 16);

/** Wipes all that hashing and sealing leave behind, but not contexts, slots and `IO`. */
export function wipeScratch(): void {
  memory.fill(PRIMITIVE_KEY, 0, 512);
  memory.fill(PRIMITIVE_IV, 0, 16);
  memory.fill(HASH_STATE, 0, 64);
  memory.fill(HASH_OUTER, 0, 64);
  memory.fill(SCHEDULE, 0, 640);
  memory.fill(TAIL, 0, 256);
  memory.fill(BLOCK, 0, 64);
}
