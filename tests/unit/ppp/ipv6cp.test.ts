import { describe, expect, it } from 'vitest';
import { PppProtocol } from '../../../shared/ppp/ppp.ts';
import { fromHex, toHex } from '../../../shared/wire/bytes.ts';
import { events, kinds, only, Script, spoken } from './script.ts';

const { ipv6cp } = PppProtocol;
const OTHER = '1111222233334444';

/** A client in the network phase that was asked for IPv6, what it said, and what it asks for itself. */
function asking() {
  const script = new Script({ ipv6: true });
  script.toNetwork();
  const begun = script.says(ipv6cp, 1, 1, `010a${OTHER}`);
  const request = only(begun, ipv6cp, 1);
  return { script, begun, request, id: toHex(request.body.slice(2)) };
}

describe('IPV6CP (RFC 5072)', () => {
  it('asks with an identifier that is nobody’s, and comes up', () => {
    const { script, begun, request, id } = asking();
    expect(spoken(begun)).toEqual([`8057 1 010a${id}`, `8057 2 010a${OTHER}`]);
    // Not zero, and not the same all over the world.
    expect(fromHex(id).some((byte) => byte !== 0)).toBe(true);
    expect(fromHex(id)[0]! & 2).toBe(0);
    expect(script.says(ipv6cp, 2, request.id, request.body)).toEqual([
      { kind: 'ipv6-up', interfaceId: fromHex(id) },
    ]);
  });

  it('takes the identifier that the peer suggests, but not none', () => {
    const { script, request, id } = asking();
    const next = only(script.says(ipv6cp, 3, request.id, '010a00000000000000aa'), ipv6cp, 1);
    expect(toHex(next.body)).toBe('010a00000000000000aa');
    const last = only(script.says(ipv6cp, 3, next.id, '010a0000000000000000'), ipv6cp, 1);
    expect(toHex(last.body)).not.toBe('010a0000000000000000');
    expect(toHex(last.body)).not.toBe(`010a${id}`);
  });

  it.each([
    ['none', () => '0000000000000000'],
    ['our own', (id: string) => id],
  ])('suggests another identifier to a peer that asks for %s', (_, wish) => {
    const { script, id } = asking();
    const nak = only(script.says(ipv6cp, 1, 2, `010a${wish(id)}`), ipv6cp, 3);
    expect(nak.body.length).toBe(10);
    expect(toHex(nak.body.slice(2))).not.toBe(id);
    expect(nak.body.slice(2).some((byte) => byte !== 0)).toBe(true);
  });

  it('rejects what it does not know', () => {
    const { script } = asking();
    const request = `0204004f 010a${OTHER}`;
    expect(spoken(script.says(ipv6cp, 1, 2, request))).toEqual(['8057 4 0204004f']);
  });

  it('carries packets only while it is open, and drops them in silence otherwise', () => {
    const { script, request } = asking();
    const frame = fromHex('ff030057 60');
    const packet = { bytes: frame, start: 0, end: frame.length };
    expect(script.ppp.decapsulate(packet, script.now)).toBe(0);
    script.says(ipv6cp, 2, request.id, request.body);
    expect(script.ppp.decapsulate(packet, script.now)).toBe(PppProtocol.ipv6);
    expect(packet.start).toBe(4);
    const terminated = script.says(ipv6cp, 5, 9);
    expect(kinds(terminated)).toEqual(['ipv6-down', 'transmit']);
    packet.start = 0;
    expect(script.ppp.decapsulate(packet, script.now)).toBe(0);
  });

  it('is the peer’s to begin', () => {
    const script = new Script({ ipv6: true });
    expect(spoken(script.toOpen()).join()).not.toContain('8057');
    expect(spoken(script.wait()).join()).not.toContain('8057');
  });

  it('ends in silence with a peer that changes its mind, and IPv4 goes on', () => {
    const script = new Script({ ipv6: true });
    script.toOpen();
    script.says(ipv6cp, 1, 1, `010a${OTHER}`);
    const outputs = script.says(PppProtocol.lcp, 8, 7, '8057 0101000e010a0102030405060708');
    expect(kinds(outputs)).toEqual(['trace']);
    expect(events(outputs)).toEqual(['protocol-rejected']);
    for (let i = 0; i < 3; i++) expect(spoken(script.wait()).join()).not.toContain('8057');
    const ipv4 = { bytes: fromHex('0021 45'), start: 0, end: 3 };
    expect(script.ppp.decapsulate(ipv4, script.now)).toBe(PppProtocol.ipv4);
  });

  it('is given up with a peer that does not answer, or refuses every identifier; IPv4 goes on', () => {
    const script = new Script({ ipv6: true });
    script.toOpen();
    script.says(ipv6cp, 1, 1, `010a${OTHER}`);
    const failed: string[] = [];
    for (let i = 0; i < 20 && failed.length === 0; i++) {
      const outputs = script.wait();
      expect(kinds(outputs)).not.toContain('closed');
      if (events(outputs).includes('failed')) failed.push(...events(outputs));
    }
    expect(failed).toEqual(['failed']);
    expect(script.ppp.failure).toBeUndefined();
    const { script: other, request } = asking();
    const refused = other.says(ipv6cp, 4, request.id, request.body);
    expect(events(refused)).toEqual(['failed']);
    expect(kinds(refused)).not.toContain('closed');
  });

  it('is not spoken on a link too small for IPv6, nor where nobody wants it', () => {
    for (const config of [{ ipv6: true, mru: 1279 }, { ipv6: false }]) {
      const script = new Script(config);
      expect(spoken(script.toNetwork()).join()).not.toContain('8057');
      expect(spoken(script.says(ipv6cp, 1, 1, `010a${OTHER}`))).toEqual([
        `c021 8 80570101000e010a${OTHER}`,
      ]);
    }
  });
});
