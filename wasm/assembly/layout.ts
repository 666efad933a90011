/**
 * Where everything lies in linear memory. Nothing is ever allocated: the memory is fixed, and the loader reads
 * these addresses from the module's exported globals.
 */

/** Slots of 2,048 bytes, as shared/esp/engine.ts has them. */
export const SLOT_COUNT: i32 = 512;
/**
 * From one slot to the next: 64 bytes more, for what kernels read and write behind a packet's end, and an odd number of
 * cache lines, so that packets side by side do not compete for the same ones.
 */
export const SLOT_STRIDE: i32 = 2112;
export const SLOTS: usize = memory.data(1081344, 64);

/** Per slot two u16: start and end. The loader copies its cursors in and out. */
export const CURSORS: usize = memory.data(2048, 16);
/** Per slot a byte each: what `open` found, and the next header. The loader sees them where they lie. */
export const RESULTS: usize = memory.data(512, 16);
export const NEXT_HEADERS: usize = memory.data(512, 16);

/** One context per SA; see context.ts for what is in it. */
export const CONTEXT_SIZE: i32 = 18816;
export const CONTEXT_COUNT: i32 = 32;
export const CONTEXTS: usize = memory.data(602112, 64);
/** SPI of the inbound SA in each context, as u32; 0 where there is none. */
export const INBOUND_SPIS: usize = memory.data(128, 16);

/** What the loader and the primitives hand each other, behind room for an IV. */
const IO_AREA: usize = memory.data(16448, 64);
export const IO_SIZE: i32 = 16384;
export const IO: usize = IO_AREA + 64;

/** Zeros, never written: what lanes read that have nothing to do yet. Longer than the longest packet. */
export const ZEROS: usize = memory.data(2304, 64);

/** All that is overwritten by the next call and wiped when an SA closes. */
const SCRATCH_SIZE: i32 = 13056;
const SCRATCH: usize = memory.data(13056, 64);

/** Addresses of the lanes' next blocks, u32 each, and how many blocks each has left. */
export const LANES: usize = SCRATCH;
export const LANES_LEFT: usize = SCRATCH + 64;
/** Number of the job in each lane. */
export const LANE_JOBS: usize = SCRATCH + 128;
/** Word w of the hash of lane l at 16w + 4l. */
export const LANE_STATES: usize = SCRATCH + 192;
/** Blocks that wait until there is one for every lane. */
export const PENDING: usize = SCRATCH + 320;
export const PENDING_TARGETS: usize = SCRATCH + 384;

/** GHASH's sum, nibbles, and products for making a table. */
export const GHASH_Y: usize = SCRATCH + 448;
export const GHASH_NIBBLES: usize = SCRATCH + 704;
export const GHASH_PRODUCTS: usize = SCRATCH + 1216;

/** Planes of a counter block; zeros and counter blocks in turn, for the few that are encrypted one by one. */
export const COUNTER_BASE: usize = SCRATCH + 1472;
export const COUNTERS: usize = SCRATCH + 1600;

/** Packets in work at once, and what is known of each; see jobs.ts. */
export const JOBS: usize = SCRATCH + 1856;
/** The last, padded blocks of each job's message, then of its outer hash. */
export const TAILS: usize = SCRATCH + 3648;

/** Running state of a hash, and its key's outer state. */
export const HASH_STATE: usize = SCRATCH + 5696;
export const HASH_OUTER: usize = SCRATCH + 5760;
/** SHA-512's message schedule: 80 words of 8 bytes. */
export const SCHEDULE: usize = SCRATCH + 5824;
/** The last, padded blocks of a message: at most two of 128 bytes. */
export const TAIL: usize = SCRATCH + 6464;
/** A digest, a tag or a partial block on its way. */
export const BLOCK: usize = SCRATCH + 6720;

/** AES's round keys as FIPS 197 has them, and one on its way. */
export const ROUND_KEYS: usize = SCRATCH + 6784;
export const ROUND_KEY: usize = SCRATCH + 7024;
export const SHIFTED_KEY: usize = SCRATCH + 7040;

/** The chaining value and the keys of the primitive in progress. */
export const PRIMITIVE_IV: usize = SCRATCH + 7056;
export const PRIMITIVE_KEYS: usize = SCRATCH + 7104;

/** Products of the hash key with the powers of x, for making GHASH's tables. */
export const GHASH_POWERS: usize = SCRATCH + 11008;

/** Wipes all that hashing and sealing leave behind, but not contexts, slots and `IO`. */
export function wipeScratch(): void {
  memory.fill(SCRATCH, 0, SCRATCH_SIZE);
}
