/**
 * MD5's compression function.
 * @rfc 1321 §3.4
 */

/** T[i] = floor(2³² · |sin(i + 1)|). */
const T: usize = memory.data<u32>([
  0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
  0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
  0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
  0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
  0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
  0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
  0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
  0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
]);

export function md5Start(state: usize): void {
  store<u32>(state, 0x67452301);
  store<u32>(state, 0xefcdab89, 4);
  store<u32>(state, 0x98badcfe, 8);
  store<u32>(state, 0x10325476, 12);
}

/** Absorbs `blocks` blocks of 64 bytes. */
export function md5Blocks(state: usize, message: usize, blocks: i32): void {
  let h0 = load<u32>(state);
  let h1 = load<u32>(state, 4);
  let h2 = load<u32>(state, 8);
  let h3 = load<u32>(state, 12);
  for (const end = message + (blocks << 6); message < end; message += 64) {
    let a = h0;
    let b = h1;
    let c = h2;
    let d = h3;
    for (let i = 0; i < 16; i += 4) {
      a = b + rotl<u32>(a + (d ^ (b & (c ^ d))) + word(message, i, i), 7);
      d = a + rotl<u32>(d + (c ^ (a & (b ^ c))) + word(message, i + 1, i + 1), 12);
      c = d + rotl<u32>(c + (b ^ (d & (a ^ b))) + word(message, i + 2, i + 2), 17);
      b = c + rotl<u32>(b + (a ^ (c & (d ^ a))) + word(message, i + 3, i + 3), 22);
    }
    for (let i = 16; i < 32; i += 4) {
      a = b + rotl<u32>(a + (c ^ (d & (b ^ c))) + word(message, 5 * i + 1, i), 5);
      d = a + rotl<u32>(d + (b ^ (c & (a ^ b))) + word(message, 5 * i + 6, i + 1), 9);
      c = d + rotl<u32>(c + (a ^ (b & (d ^ a))) + word(message, 5 * i + 11, i + 2), 14);
      b = c + rotl<u32>(b + (d ^ (a & (c ^ d))) + word(message, 5 * i + 16, i + 3), 20);
    }
    for (let i = 32; i < 48; i += 4) {
      a = b + rotl<u32>(a + (b ^ c ^ d) + word(message, 3 * i + 5, i), 4);
      d = a + rotl<u32>(d + (a ^ b ^ c) + word(message, 3 * i + 8, i + 1), 11);
      c = d + rotl<u32>(c + (d ^ a ^ b) + word(message, 3 * i + 11, i + 2), 16);
      b = c + rotl<u32>(b + (c ^ d ^ a) + word(message, 3 * i + 14, i + 3), 23);
    }
    for (let i = 48; i < 64; i += 4) {
      a = b + rotl<u32>(a + (c ^ (b | ~d)) + word(message, 7 * i, i), 6);
      d = a + rotl<u32>(d + (b ^ (a | ~c)) + word(message, 7 * i + 7, i + 1), 10);
      c = d + rotl<u32>(c + (a ^ (d | ~b)) + word(message, 7 * i + 14, i + 2), 15);
      b = c + rotl<u32>(b + (d ^ (c | ~a)) + word(message, 7 * i + 21, i + 3), 21);
    }
    h0 += a;
    h1 += b;
    h2 += c;
    h3 += d;
  }
  store<u32>(state, h0);
  store<u32>(state, h1, 4);
  store<u32>(state, h2, 8);
  store<u32>(state, h3, 12);
}

/** Word `index` modulo 16 of the block, plus the step's constant. */
function word(message: usize, index: i32, step: i32): u32 {
  return load<u32>(message + ((index & 15) << 2)) + load<u32>(T + (step << 2));
}
