import { describe, expect, it } from 'vitest';
import { REPLAY_WINDOW, ReplayWindow } from '../../../shared/esp/replay-window.ts';

describe('ReplayWindow', () => {
  it('admits each number once, whatever the order', () => {
    const window = new ReplayWindow();
    for (const sequence of [3, 1, 2, 10, 5]) {
      expect(window.admits(sequence)).toBe(true);
      window.record(sequence);
      expect(window.admits(sequence)).toBe(false);
    }
    expect(window.admits(4)).toBe(true);
  });

  it('never admits 0', () => {
    expect(new ReplayWindow().admits(0)).toBe(false);
  });

  it('does not move by asking', () => {
    const window = new ReplayWindow();
    window.record(1);
    expect(window.admits(0xffff_ffff)).toBe(true);
    expect(window.admits(2)).toBe(true);
  });

  it('is exactly as wide as it says', () => {
    const window = new ReplayWindow();
    window.record(5000);
    expect(window.admits(5000 - REPLAY_WINDOW + 1)).toBe(true);
    expect(window.admits(5000 - REPLAY_WINDOW)).toBe(false);
  });

  it('forgets nothing when it moves by less than its width, everything when by more', () => {
    const window = new ReplayWindow();
    window.record(7);
    window.record(7 + REPLAY_WINDOW - 1);
    expect(window.admits(7)).toBe(false);
    expect(window.admits(8)).toBe(true);
    window.record(7 + 5 * REPLAY_WINDOW);
    expect(window.admits(8 + 4 * REPLAY_WINDOW)).toBe(true);
    expect(window.admits(7 + 4 * REPLAY_WINDOW)).toBe(false);
  });

  it('works up to the last number', () => {
    const window = new ReplayWindow();
    window.record(0xffff_ffff);
    expect(window.admits(0xffff_ffff)).toBe(false);
    expect(window.admits(0xffff_fffe)).toBe(true);
  });
});
