import { describe, expect, it } from 'vitest';
import { noblePrimitives } from '../../../shared/crypto/noble.ts';
import { IvGenerator } from '../../../shared/esp/iv-generator.ts';
import { transform } from '../../../shared/esp/transform.ts';
import { fromHex, toHex } from '../../../shared/wire/bytes.ts';
import { SeededRandom } from '../../support/random.ts';
import vectors from '../../vectors/esp-gcm-extended.json' with { type: 'json' };

describe('the reference’s AES-GCM', () => {
  it.each(vectors.cases)('authenticates a sequence number of 64 bits, $case', (vector) => {
    const { spi, sequence } = vector;
    const { authentic, reveal } = transform(
      { spi, cipher: 'aes-gcm-16', cipherKey: fromHex(vector.key + vector.salt) },
      noblePrimitives,
      new IvGenerator(new SeededRandom(1)),
    );
    const header = fromHex(spi.toString(16).padStart(8, '0') + sequence.slice(8));
    const number = { header, higher: fromHex(sequence.slice(0, 8)) };
    const body = fromHex(vector.iv + vector.ciphertext);
    expect(authentic(number, body)).toBe(true);
    expect(toHex(reveal(number, body))).toBe(vector.plaintext);
    expect(authentic({ header, higher: fromHex('12345678') }, body)).toBe(false);
    expect(authentic({ header, higher: new Uint8Array(0) }, body)).toBe(false);
  });
});
