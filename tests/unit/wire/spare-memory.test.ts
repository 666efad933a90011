import { describe, expect, test } from 'vitest';
import { SpareMemory } from '../../../shared/wire/spare-memory.ts';

/** Spare memory that has been given 100 bytes, and those. */
function given(): { spare: SpareMemory; memory: Uint8Array<ArrayBuffer> } {
  const spare = new SpareMemory();
  const memory = new Uint8Array(100);
  spare.give(memory);
  return { spare, memory };
}

describe('spare memory', () => {
  test('is handed out once', () => {
    const { spare, memory } = given();
    const first = spare.take(60);
    expect(first).toHaveLength(60);
    expect(first.buffer).toBe(memory.buffer);
    expect(spare.take(60).buffer).not.toBe(memory.buffer);
  });

  test.each([
    ['too short', 101],
    ['more than twice as long', 49],
  ])('that is %s stays where it is', (_what, length) => {
    const { spare, memory } = given();
    const taken = spare.take(length);
    expect(taken).toHaveLength(length);
    expect(taken.buffer).not.toBe(memory.buffer);
    expect(spare.take(100).buffer).toBe(memory.buffer);
  });

  test('that others share is not touched', () => {
    const spare = new SpareMemory();
    const shared = new Uint8Array(200);
    spare.give(shared.subarray(0, 100));
    expect(spare.take(100).buffer).not.toBe(shared.buffer);
  });

  test('is gone when it is dropped', () => {
    const { spare, memory } = given();
    spare.drop();
    expect(spare.take(100).buffer).not.toBe(memory.buffer);
  });
});
