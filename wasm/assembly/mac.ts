/**
 * The HMACs of several packets at once: four lanes hash side by side, as far as all of them go, whatever their lengths;
 * a lane that has ended its message goes on to its outer hash, then to the next packet. Once a single one is left,
 * the hash over numbers is quicker, as SHA-384 and SHA-512 always are: a vector has two of their words.
 */
import { MD5, SHA1, SHA256 } from './algorithms';
import { md5Lanes } from './generated/md5-lanes';
import { sha1Lanes } from './generated/sha1-lanes';
import { sha256Lanes } from './generated/sha256-lanes';
import { digestLength, hashBlocks, padTail } from './hash';
import { hmac } from './hmac';
import { COVERED, jobAt, MAC, PACKET } from './jobs';
import {
  BLOCK,
  HASH_STATE,
  LANE_JOBS,
  LANE_STATES,
  LANES,
  LANES_LEFT,
  TAILS,
} from './layout';

const WIDTH: i32 = 4;
const TAIL_SIZE: i32 = 128;

/** What a lane is at: whole blocks of its message, the padded rest, or the outer hash. Beside its job's number. */
const BODY: i32 = 0;
const REST: i32 = 1 << 8;
const OUTER_HASH: i32 = 2 << 8;
const JOB_MASK: i32 = 0xff;

/** Writes to each of the first `count` jobs its `MAC` over the `COVERED` bytes from its SPI on. */
export function macJobs(hash: i32, inner: usize, outer: usize, count: i32): void {
  if (ASC_FEATURE_SIMD && count > 1 && hash <= SHA256) return macLanes(hash, inner, outer, count);
  for (let i = 0; i < count; i++) {
    const job = jobAt(i);
    const packet = load<usize>(job, PACKET);
    hmac(hash, inner, outer, packet, load<i32>(job, COVERED), BLOCK);
    memory.copy(job + MAC, BLOCK, 32);
  }
}

function macLanes(hash: i32, inner: usize, outer: usize, count: i32): void {
  let next = 0;
  let active = 0;
  while (true) {
    for (; active < WIDTH && next < count; next++) {
      setState(hash, active, inner);
      store<usize>(LANES + (active << 2), load<usize>(jobAt(next), PACKET));
      store<i32>(LANES_LEFT + (active << 2), load<i32>(jobAt(next), COVERED) >> 6);
      store<i32>(LANE_JOBS + (active << 2), next | BODY);
      active++;
    }
    if (active == 0) return;
    let blocks = load<i32>(LANES_LEFT);
    for (let lane = 1; lane < active; lane++) {
      blocks = min(blocks, load<i32>(LANES_LEFT + (lane << 2)));
    }
    if (blocks > 0) advance(hash, active, blocks);
    for (let lane = active - 1; lane >= 0; lane--) {
      if (load<i32>(LANES_LEFT + (lane << 2)) > 0) continue;
      if (goOn(hash, outer, lane)) continue;
      active--;
      moveLane(active, lane);
    }
  }
}

/** Absorbs `blocks` blocks in each of the active lanes. */
function advance(hash: i32, active: i32, blocks: i32): void {
  if (active == 1) {
    // Lane 0 alone, whose words are apart by a vector.
    for (let i = 0; i < 8; i++) store<u32>(HASH_STATE + (i << 2), load<u32>(LANE_STATES + (i << 4)));
    hashBlocks(hash, HASH_STATE, load<usize>(LANES), blocks);
    setState(hash, 0, HASH_STATE);
  } else {
    for (let lane = active; lane < WIDTH; lane++) {
      store<usize>(LANES + (lane << 2), load<usize>(LANES));
    }
    if (hash == MD5) md5Lanes(blocks);
    else if (hash == SHA1) sha1Lanes(blocks);
    else sha256Lanes(blocks);
  }
  for (let lane = 0; lane < active; lane++) {
    const at = LANES + (lane << 2);
    const left = LANES_LEFT + (lane << 2);
    store<usize>(at, load<usize>(at) + (<usize>blocks << 6));
    store<i32>(left, load<i32>(left) - blocks);
  }
}

/** A lane has absorbed all it was given: gives it what is next, or answers false once its MAC is written. */
function goOn(hash: i32, outer: usize, lane: i32): bool {
  const state = load<i32>(LANE_JOBS + (lane << 2));
  const number = state & JOB_MASK;
  const stage = state - number;
  const job = jobAt(number);
  const tail = TAILS + number * TAIL_SIZE;
  let blocks = 1;
  if (stage == BODY) {
    const length = load<i32>(job, COVERED);
    const rest = length & 63;
    const end = load<usize>(job, PACKET) + <usize>length;
    blocks = padTail(hash, end - rest, rest, 64 + <u64>length, tail);
  } else {
    const words = digestLength(hash) >> 2;
    const to = stage == REST ? tail : job + MAC;
    // A MAC of these hashes is cut to 16 bytes or fewer in ESP.
    const kept = stage == REST ? words : min(words, 4);
    for (let i = 0; i < kept; i++) {
      const word = load<u32>(LANE_STATES + (i << 4) + (lane << 2));
      store<u32>(to + (i << 2), hash == MD5 ? word : bswap<u32>(word));
    }
    if (stage != REST) return false;
    padTail(hash, tail, words << 2, 64 + <u64>(words << 2), tail);
    setState(hash, lane, outer);
  }
  store<usize>(LANES + (lane << 2), tail);
  store<i32>(LANES_LEFT + (lane << 2), blocks);
  store<i32>(LANE_JOBS + (lane << 2), number | (stage == BODY ? REST : OUTER_HASH));
  return true;
}

function moveLane(from: i32, to: i32): void {
  store<usize>(LANES + (to << 2), load<usize>(LANES + (from << 2)));
  store<i32>(LANES_LEFT + (to << 2), load<i32>(LANES_LEFT + (from << 2)));
  store<i32>(LANE_JOBS + (to << 2), load<i32>(LANE_JOBS + (from << 2)));
  for (let at = LANE_STATES; at < LANE_STATES + 128; at += 16) {
    store<u32>(at + (to << 2), load<u32>(at + (from << 2)));
  }
}

function setState(hash: i32, lane: i32, state: usize): void {
  const words = digestLength(hash) >> 2;
  for (let i = 0; i < words; i++) {
    store<u32>(LANE_STATES + (i << 4) + (lane << 2), load<u32>(state + (i << 2)));
  }
}
