import { describe, expect, it } from 'vitest';
import { findSecret } from '../../interop/support/needles.ts';
import { SeededRandom } from '../../support/random.ts';

const SECRET = 'heron at dusk';
const noise = (seed: number, length: number) => Buffer.from(new SeededRandom(seed).bytes(length));

describe('findSecret', () => {
  it.each([0, 1, 2, 3, 4, 5])('finds a secret %i bytes into what was encoded', (offset) => {
    const message = Buffer.concat([noise(1, offset), Buffer.from(SECRET), noise(2, 7)]);
    for (const encoding of ['hex', 'base64', 'base64url', 'latin1'] as const) {
      const text = Buffer.from(message.toString(encoding), 'latin1');
      expect(findSecret(text, SECRET), encoding).not.toEqual([]);
      expect(findSecret(text, Buffer.from(SECRET)), encoding).not.toEqual([]);
    }
  });

  it('finds UTF-16LE, upper-case hex, and says where and how', () => {
    const wide = Buffer.concat([noise(3, 40), Buffer.from(SECRET, 'utf16le')]);
    expect(findSecret(wide, SECRET)).toEqual([{ form: 'UTF-16LE', at: 40 }]);
    const hex = Buffer.from(Buffer.from(SECRET).toString('hex').toUpperCase());
    expect(findSecret(hex, SECRET)).toHaveLength(1);
  });

  it('finds nothing in noise', () => {
    expect(findSecret(noise(4, 100_000), SECRET)).toEqual([]);
  });
});
