import { beforeAll, describe, expect, test } from 'vitest';
import type { Inspector } from '../../../shared/inspect/inspector.ts';
import type { PacketDetails } from '../../../shared/inspect/view.ts';
import { toHex } from '../../../shared/wire/bytes.ts';
import { allRows, everyField, recordSession } from '../../support/recording.ts';
import { SESSION_PASSWORD } from '../../support/simulated-session.ts';

function detailsOf(inspector: Inspector, meaning: RegExp): PacketDetails {
  const row = allRows(inspector).find((each) => meaning.test(each.meaning));
  if (row === undefined) throw new Error(`no packet means ${meaning}`);
  return inspector.details(row.id)!;
}

/** A field's value by the names on the way to it, the last layer of that name first. */
function value({ layers }: PacketDetails, ...path: readonly string[]): string | undefined {
  const [layer, ...names] = path;
  let field: PacketDetails['layers'][number]['fields'][number] | undefined = layers.findLast(
    ({ name }) => name === layer,
  );
  for (const name of names) field = field?.fields.find((each) => each.name === name);
  return field?.value;
}

describe('a recorded session', () => {
  let inspector: Inspector;
  beforeAll(async () => {
    inspector = await recordSession();
  });

  test('is told from the relay’s message to the last Delete', () => {
    const rows = allRows(inspector).map(
      ({ direction, peer, protocol, meaning }) => `${direction} ${peer} ${protocol}: ${meaning}`,
    );
    expect(rows.slice(0, 14)).toEqual([
      'out relay Relay: Asks the relay for the gateway “test”',
      'in relay Relay: The relay is ready to send to 192.0.2.1',
      'out gateway IKE: Main mode 1: offers algorithms for IKE',
      'in gateway IKE: Main mode 2: chooses the algorithms for IKE',
      'out gateway IKE: Main mode 3: sends its Diffie-Hellman value',
      'in gateway IKE: Main mode 4: sends its Diffie-Hellman value',
      'out gateway IKE: Main mode 5: proves that it knows the pre-shared key',
      'in gateway IKE: Main mode 6: proves that it knows the pre-shared key',
      'out gateway IKE: Quick mode: agrees on keys for ESP',
      'in gateway IKE: Quick mode: agrees on keys for ESP',
      'out gateway IKE: Quick mode: confirms the keys for ESP',
      'out gateway L2TP: SCCRQ: asks for a tunnel',
      'in gateway L2TP: SCCRP: agrees to the tunnel',
      'out gateway L2TP: SCCCN: confirms the tunnel',
    ]);
    const words = rows.join('\n');
    for (const each of [
      /out gateway L2TP: ICCN: confirms the session/,
      /in gateway PPP: LCP Configure-Request: proposes MRU \d+, sign-in by MS-CHAPv2/,
      /in gateway PPP: CHAP Challenge: “gateway” wants proof of the password/,
      /out gateway PPP: CHAP Response: proves the password of “alice”/,
      /in gateway PPP: CHAP Success: the password is right/,
      /in gateway PPP: IPCP Configure-Nak: wants instead address 10\.30\.0\.10, name server/,
      /out gateway ICMP: Ping, 10\.30\.0\.10 → 10\.30\.0\.254/,
      /in gateway ICMP: Answer to a ping, 10\.30\.0\.254 → 10\.30\.0\.10/,
      /out gateway DNS: Asks for wiki\.intranet\.test \(A\)/,
      /out gateway TCP: 10\.30\.0\.10:\d+ → 10\.30\.0\.254:80 opens a connection/,
      /in gateway TCP: 10\.30\.0\.254:80 → 10\.30\.0\.10:\d+ accepts the connection/,
      /out gateway TCP: HTTP request: GET \/menu HTTP\/1\.1/,
      /in gateway TCP: HTTP answer: HTTP\/1\.1 200 OK/,
      /out gateway PPP: LCP Terminate-Request: ends the link/,
      /out gateway L2TP: StopCCN: closes the tunnel/,
    ]) {
      expect(words).toMatch(each);
    }
    expect(rows.at(-1)).toBe('out gateway IKE: Deletes the IKE SA');
  });

  test('shows every layer of a request, from the relay’s record to HTTP', () => {
    const details = detailsOf(inspector, /HTTP request/);
    expect(details.layers.map(({ name }) => name)).toEqual([
      'Relay record',
      'IP',
      'UDP',
      'ESP',
      'UDP',
      'L2TP',
      'PPP',
      'IP',
      'TCP',
      'HTTP',
    ]);
    expect(details.buffers.map(({ name }) => name)).toEqual([
      'Between tab and relay',
      'Between relay and gateway, outer headers reconstructed',
      'Decrypted by this tab',
    ]);
    expect(value(details, 'Relay record', 'channel')).toBe('1 (NAT-T)');
    expect(value(details, 'TCP', 'Destination Port')).toBe('80');
    expect(value(details, 'TCP', 'Control bits')).toBe('0x18 (ACK, PSH)');
    expect(value(details, 'TCP', 'Options', 'Timestamps')).toMatch(/^TSval \d+, TSecr \d+$/);
    expect(value(details, 'PPP', 'Protocol')).toBe('0x0021 (Internet Protocol)');
    expect(value(details, 'HTTP', 'Start line')).toBe('GET /menu HTTP/1.1');
  });

  test('shows what IKE offered, and decrypted what it agreed on', () => {
    const offer = detailsOf(inspector, /^Main mode 1/);
    expect(value(offer, 'ISAKMP', 'Exchange Type')).toBe('2 (Identity Protection)');
    expect(value(offer, 'ISAKMP', 'Security Association')).toMatch(
      /^\d+ transforms, first AES-CBC/,
    );
    const quick = detailsOf(inspector, /^Quick mode: agrees/);
    expect(quick.layers.at(-1)?.name).toBe('ISAKMP payloads');
    const names = quick.layers.at(-1)!.fields.map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining(['Hash', 'Security Association', 'Nonce', 'Identification']),
    );
    const identity = detailsOf(inspector, /^Main mode 6/);
    expect(value(identity, 'ISAKMP payloads', 'Identification')).toBe('192.0.2.1');
  });

  test('tells the bytes of every field', () => {
    const { layers, buffers } = detailsOf(inspector, /^SCCRQ/);
    const layer = layers.at(-1)!;
    const name = layer.fields.find((field) => field.name === 'Host Name')!;
    const bytes = buffers[layer.buffer]!.bytes.slice(name.start, name.end);
    expect(toHex(bytes).endsWith(toHex(new TextEncoder().encode('culvert')))).toBe(true);
    expect(name.value).toBe('“culvert”');
  });

  test('has nothing malformed and nothing left over in it', () => {
    const faults: string[] = [];
    for (const { id, meaning } of allRows(inspector)) {
      const { layers, buffers } = inspector.details(id)!;
      for (const layer of layers) {
        const size = buffers[layer.buffer]!.bytes.length;
        for (const { name, value: text, start, end } of everyField([layer])) {
          const isOdd = name === 'Malformed' || name === 'Left over';
          if (isOdd || start > end || end > size) faults.push(`${meaning}: ${name} ${text}`);
        }
      }
    }
    expect(faults).toEqual([]);
  });

  test('is found by protocol and by text, page by page', () => {
    const page = (query: Partial<Parameters<Inspector['page']>[0]>) =>
      inspector.page({ text: '', limit: 500, ...query });
    expect(new Set(page({ protocol: 'IKE' }).rows.map(({ protocol }) => protocol))).toEqual(
      new Set(['IKE']),
    );
    expect(page({ protocol: 'ICMP' }).rows).toHaveLength(2);
    expect(page({ text: ' PROPOSES mru ' }).rows.length).toBeGreaterThan(0);
    expect(page({ text: 'no packet says this' }).rows).toEqual([]);
    const last = page({ limit: 10 });
    expect(last.older).toBe(true);
    const before = page({ limit: 10, before: last.rows[0]!.id });
    expect(before.rows.at(-1)!.id).toBe(last.rows[0]!.id - 1);
    expect(() => page({ limit: 0 })).toThrow(RangeError);
  });
});

test('PAP’s password is in no view of a packet', async () => {
  const inspector = await recordSession({ method: 'pap' });
  const details = detailsOf(inspector, /^PAP: signs in as “alice”/);
  expect(value(details, 'PAP', 'Password')).toBe('not shown');
  const text = JSON.stringify(allRows(inspector).map(({ id }) => inspector.details(id)));
  const hex = details.buffers.map(({ bytes }) => toHex(bytes)).join(' ');
  const secret = toHex(new TextEncoder().encode(SESSION_PASSWORD));
  expect(hex).toContain(toHex(new TextEncoder().encode('alice')));
  expect(hex).not.toContain(secret);
  expect(text).not.toContain(SESSION_PASSWORD);
  const { buffer } = details.layers.at(-1)!;
  const [mask] = details.buffers[buffer]!.masked;
  expect(mask!.end - mask!.start).toBe(SESSION_PASSWORD.length);
  // The capture is what passed, and says so.
  expect(toHex(inspector.capture())).toContain(secret);
});

test('raw ESP has no UDP around it', async () => {
  const inspector = await recordSession({ rawEsp: true });
  const { layers } = detailsOf(inspector, /HTTP request/);
  expect(layers.slice(0, 4).map(({ name }) => name)).toEqual(['Relay record', 'IP', 'ESP', 'UDP']);
  expect(allRows(inspector).map(({ meaning }) => meaning)).toContainEqual(
    expect.stringMatching(/^Wants ESP with SPI 0x[0-9a-f]{8}$/),
  );
});

test('without recording nothing is kept', async () => {
  const inspector = await recordSession();
  inspector.record(false);
  expect(inspector.tap).toBeUndefined();
  inspector.clear();
  expect(inspector.state).toMatchObject({ packets: 0, bytes: 0, keys: 0, since: undefined });
  expect(inspector.keyTables()).not.toMatch(/[0-9a-f]{32}/);
});

test('names of vendors are known', async () => {
  const inspector = await recordSession();
  const { layers } = detailsOf(inspector, /^Main mode 1/);
  const vendors = layers.at(-1)!.fields.filter(({ name }) => name === 'Vendor ID');
  expect(vendors.map(({ value: text }) => text)).toContain('RFC 3706: dead peer detection');
});
