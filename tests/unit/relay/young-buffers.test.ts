import { describe, expect, it } from 'vitest';
import { takeFrame } from '../../../relay/young-buffers.ts';

describe('takeFrame', () => {
  it('hands over the only fragment itself and lets go of it', () => {
    const fragment = Buffer.of(1, 2, 3);
    const fragments = [fragment];
    expect(takeFrame(fragments)).toBe(fragment);
    expect(fragments).toEqual([]);
  });

  it('puts several fragments together and lets go of them', () => {
    const fragments = [Buffer.of(1, 2), Buffer.of(3)];
    expect([...takeFrame(fragments)]).toEqual([1, 2, 3]);
    expect(fragments).toEqual([]);
  });
});
