/** Reads every byte that left the tab: no secret and no page is among them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { INDEX_PAGE, PAGE_MARKER } from './support/intranet.ts';
import { Laboratory, PRE_SHARED_KEY } from './support/laboratory.ts';
import { findSecret } from './support/needles.ts';
import { GATEWAY_ADDRESS } from './support/network.ts';
import { runScript } from './support/node-script.ts';
import { tcpStreams, udpPorts, webSocketPayloads } from './support/pcap.ts';
import { INTRANET_ADDRESS, USERS } from './support/softether-config.ts';

const IKE_PORT = 500;
const NAT_T_PORT = 4500;

describe('what crosses the relay', () => {
  let laboratory: Laboratory;

  beforeAll(async () => {
    laboratory = await Laboratory.start({ personality: 'any' });
  });

  afterAll(() => laboratory?.stop());

  it('holds none of the secrets and nothing of the page', async () => {
    const capture = await laboratory.capture();
    const result = await laboratory.dial(['get', `http://${INTRANET_ADDRESS}/index.html`]);
    const recording = await capture.stop();
    expect(result.status, result.stderr).toBe(0);
    expect(result.stdout.toString()).toBe(INDEX_PAGE);

    const streams = understood(recording, laboratory.relayPort);
    expect(streams.get('to the relay')!.length).toBeGreaterThan(1_000);
    expect(streams.get('from the relay')!.length).toBeGreaterThan(1_000);
    expect([...udpPorts(recording)]).toEqual(expect.arrayContaining([IKE_PORT, NAT_T_PORT]));
    const secrets = {
      page: PAGE_MARKER,
      password: USERS.alice.password,
      'password’s hash': Buffer.from(USERS.alice.ntHash, 'base64'),
      'user’s name': 'alice',
      'pre-shared key': PRE_SHARED_KEY,
    };
    for (const [name, secret] of Object.entries(secrets)) {
      for (const [stream, bytes] of streams) {
        expect(findSecret(bytes, secret), `${name} in ${stream}`).toEqual([]);
      }
    }
  });

  it('would be found if it were sent in clear', async () => {
    const capture = await laboratory.capture();
    const relay = `ws://127.0.0.1:${laboratory.relayPort}/culvert`;
    const args = [GATEWAY_ADDRESS, relay, PAGE_MARKER];
    const sent = await runScript(laboratory.network.client, 'send-in-clear.ts', args);
    const recording = await capture.stop();
    expect(sent.status, sent.output).toBe(0);

    const streams = understood(recording, laboratory.relayPort);
    const found = [...streams].filter(([, bytes]) => findSecret(bytes, PAGE_MARKER).length > 0);
    expect(found.map(([stream]) => stream)).toEqual(['packets', 'to the relay']);
  });
});

/** The recording as packets, and the WebSocket as its ends understand it. */
function understood(recording: Buffer, relayPort: number): Map<string, Buffer> {
  const streams = tcpStreams(recording);
  const payloads = (port: 'sourcePort' | 'destinationPort') => {
    const found = streams.filter((stream) => stream[port] === relayPort);
    expect(found.every(({ isComplete }) => isComplete)).toBe(true);
    return Buffer.concat(found.flatMap(webSocketPayloads));
  };
  return new Map([
    ['packets', recording],
    ['to the relay', payloads('destinationPort')],
    ['from the relay', payloads('sourcePort')],
  ]);
}
