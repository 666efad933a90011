import { describe, expect, it } from 'vitest';
import { ping } from '../../../dial/ping.ts';
import { TunnelError, type TunnelErrorCode } from '../../../shared/errors.ts';

const REPLY = { address: '10.30.0.1', roundTripMillis: 1.5, bytes: 56, ttl: 64 };

/** Answers after as many failures; counts the requests. */
function sockets(failures: number, code: TunnelErrorCode = 'TIMED_OUT') {
  const asked: unknown[] = [];
  return {
    asked,
    ping: async (host: string, options?: { timeoutMillis?: number }) => {
      asked.push([host, options?.timeoutMillis]);
      if (asked.length <= failures) throw new TunnelError(code);
      return REPLY;
    },
  };
}

describe('ping', () => {
  it('asks again when nothing comes back: a gateway may not be ready yet', async () => {
    const quiet = sockets(2);
    await expect(ping(quiet, 'host')).resolves.toBe(REPLY);
    expect(quiet.asked).toEqual(Array(3).fill(['host', 1_000]));
  });

  it('gives up after the fifth request', async () => {
    const silent = sockets(5);
    await expect(ping(silent, 'host')).rejects.toMatchObject({ code: 'TIMED_OUT' });
    expect(silent.asked).toHaveLength(5);
  });

  it('does not ask again after an answer of another kind', async () => {
    const refused = sockets(1, 'NAME_NOT_FOUND');
    await expect(ping(refused, 'host')).rejects.toMatchObject({ code: 'NAME_NOT_FOUND' });
    expect(refused.asked).toHaveLength(1);
  });
});
