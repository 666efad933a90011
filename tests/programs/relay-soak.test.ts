import { expect, test } from 'vitest';
import { soak } from '../../bench/relay-under-attack.ts';

const MB = 1e6;

// Every attack of the soak at once, until each was counted: seconds here, minutes with `bench/relay-soak.ts`.
test('under every attack at once memory stays flat and an honest session loses nothing', async () => {
  const { memory, echoes, sessionsAfter, uncounted } = await soak(1);
  expect(uncounted).toEqual([]);
  expect(echoes.sent).toBeGreaterThan(0);
  expect(echoes.received).toBe(echoes.sent);
  expect(sessionsAfter).toBe(1);
  expect(memory.most - memory.before).toBeLessThan(200 * MB);
}, 90_000);
