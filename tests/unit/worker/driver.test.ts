/** The driver's ends: whatever the WebSocket does, one `closed`, no timer, a closed socket. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { nobleSuite } from '../../../shared/crypto/noble.ts';
import type { Failure } from '../../../shared/errors.ts';
import { REFUSALS } from '../../../shared/relay/close-codes.ts';
import { TunnelDriver } from '../../../web/worker/driver.ts';
import { FakeSocket } from '../../support/fake-socket.ts';
import { SeededRandom } from '../../support/random.ts';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

function stage(socket: FakeSocket = new FakeSocket()) {
  const ends: (Failure | undefined)[] = [];
  const driver = new TunnelDriver({
    socket,
    now: () => performance.now(),
    emit: (output) => {
      if (output.kind === 'closed') ends.push(output.failure);
    },
    suite: nobleSuite(new SeededRandom(1)),
    random: new SeededRandom(2),
    gateway: 'test',
    credentials: { kind: 'pre-shared-key', key: Uint8Array.of(1) },
    userName: 'alice',
    password: 'wonderland',
    authMethods: ['mschapv2'],
  });
  const expectOver = (failure: Failure | undefined): void => {
    expect(ends).toEqual([failure]);
    expect(socket.closed).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  };
  return { socket, driver, expectOver };
}

describe('a WebSocket that does not open', () => {
  test('because it is refused', () => {
    const { socket, expectOver } = stage();
    socket.breaks();
    expectOver({ code: 'RELAY_UNREACHABLE' });
  });

  test('because the network swallows everything', () => {
    const { socket, expectOver } = stage();
    vi.advanceTimersByTime(15_000);
    expectOver({ code: 'RELAY_UNREACHABLE' });
    // Too late: nobody waits any more.
    socket.opens();
    socket.breaks();
    expect(socket.sent).toEqual([]);
    expectOver({ code: 'RELAY_UNREACHABLE' });
  });

  test('because the user gives up first', () => {
    const { driver, expectOver } = stage();
    driver.run({ kind: 'close' });
    expectOver(undefined);
  });
});

describe('a WebSocket that closes', () => {
  test.each([
    [1006, '', { code: 'RELAY_CLOSED' }],
    [1000, '', { code: 'RELAY_CLOSED' }],
    [1001, 'going away', { code: 'RELAY_CLOSED', detail: 'close code 1001: going away' }],
    [1001, '\u202e\u0007<b>', { code: 'RELAY_CLOSED', detail: 'close code 1001:   <b>' }],
  ] as const)('with code %i and reason %j', (code, reason, failure) => {
    const { socket, expectOver } = stage();
    socket.opens();
    socket.breaks(code, reason);
    expectOver(failure);
  });

  test.each(Object.entries(REFUSALS))(
    'as %s, whose message was lost',
    (name, { close, outcome }) => {
      const { socket, expectOver } = stage();
      socket.opens();
      socket.breaks(close, name);
      expectOver({ code: outcome, detail: `close code ${close}: ${name}` });
    },
  );
});

test('a relay that stays silent has 10 s', () => {
  const { socket, expectOver } = stage();
  socket.opens();
  vi.advanceTimersByTime(10_000);
  expectOver({ code: 'RELAY_UNREACHABLE', detail: 'no answer to open' });
});

test('a defect is told at once and leaves nothing behind', () => {
  class Broken extends FakeSocket {
    override send(): void {
      throw new Error('boom');
    }
  }
  const { socket, expectOver } = stage(new Broken());
  socket.opens();
  expectOver({ code: 'INTERNAL', detail: 'Error: boom' });
});
