/** What the loader sees: the functions, and the addresses of the areas of memory it shares with them. */
export { closeContext, INTEGRITY_KEY, openContext, wipeSlots } from './context';
export {
  CONTEXT_COUNT,
  CONTEXT_SIZE,
  CONTEXTS,
  CURSORS,
  IO,
  IO_SIZE,
  IVS,
  IVS_SIZE,
  NEXT_HEADERS,
  RESULTS,
  SLOT_STRIDE,
  SLOTS,
} from './layout';
export { open } from './open';
export {
  cbcDecrypt,
  cbcEncrypt,
  cbcStart,
  hashFinish,
  hashStart,
  hashUpdate,
  hmacFinish,
  hmacStart,
  wipePrimitives,
} from './primitives';
export { seal } from './seal';
