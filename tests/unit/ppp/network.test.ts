import { describe, expect, it } from 'vitest';
import { fromHex } from '../../../shared/wire/bytes.ts';
import { ipcp, kinds, lcp, only, Script, spoken, text } from './script.ts';

describe('IPCP', () => {
  it('asks for an address and two name servers', () => {
    const outputs = new Script().toNetwork();
    expect(spoken(outputs)).toContain('8021 1 030600000000810600000000830600000000');
  });

  it('comes up as SoftEther does it: a Nak with all three, its own address, its Ack last', () => {
    const script = new Script();
    const first = only(script.toNetwork(), ipcp, 1);
    expect(spoken(script.says(ipcp, 1, 1, '03060a1e00fe'))).toEqual(['8021 2 03060a1e00fe']);
    const given = '03060a1e000a81060a1e000183060a1e0001';
    const second = only(script.says(ipcp, 3, first.id, given), ipcp, 1);
    expect(second.body).toEqual(fromHex(given));
    expect(script.says(ipcp, 2, second.id, given)).toEqual([
      {
        kind: 'network-up',
        address: fromHex('0a1e000a'),
        peerAddress: fromHex('0a1e00fe'),
        nameServers: [fromHex('0a1e0001'), fromHex('0a1e0001')],
        mtu: 1400,
      },
    ]);
  });

  it.each([
    ['its address', '03060a1e00fe', '2 03060a1e00fe'],
    ['nothing', '', '2'],
    ['an address from us', '030600000000', '4 030600000000'],
    ['header compression', '0206002d0f0103060a1e00fe', '4 0206002d0f01'],
    ['both addresses, the old way', '010a0a1e00fe0a1e000a', '4 010a0a1e00fe0a1e000a'],
    ['name servers', '810600000000820600000000', '4 810600000000820600000000'],
  ])('is asked for %s', (_, options, answer) => {
    const script = new Script();
    script.toNetwork();
    expect(spoken(script.says(ipcp, 1, 1, options))).toEqual([`8021 ${answer}`]);
  });

  it('does without a peer address and without name servers', () => {
    const script = new Script();
    let request = only(script.toNetwork(), ipcp, 1);
    script.says(ipcp, 1, 1, '');
    request = only(script.says(ipcp, 4, request.id, '810600000000830600000000'), ipcp, 1);
    expect(request.body).toEqual(fromHex('030600000000'));
    request = only(script.says(ipcp, 3, request.id, '03060a1e000a'), ipcp, 1);
    expect(script.says(ipcp, 2, request.id, '03060a1e000a')).toMatchObject([
      { kind: 'network-up', peerAddress: fromHex('00000000'), nameServers: [] },
    ]);
  });

  it('asks no longer for a name server that is Nakked with none', () => {
    const script = new Script();
    const { id } = only(script.toNetwork(), ipcp, 1);
    const nak = '03060a1e000a81060a1e0001830600000000';
    expect(spoken(script.says(ipcp, 3, id, nak))).toEqual(['8021 1 03060a1e000a81060a1e0001']);
  });

  it('does not take an option that it did not ask for', () => {
    const script = new Script();
    const { id } = only(script.toNetwork(), ipcp, 1);
    const next = spoken(script.says(ipcp, 3, id, '03060a1e000a82060a1e0001'));
    expect(next).toEqual(['8021 1 03060a1e000a810600000000830600000000']);
  });

  it.each([
    ['acknowledged', 2, '030600000000810600000000830600000000'],
    ['rejected', 4, '030600000000'],
  ])('has no address when 0.0.0.0 is %s', (_, code, body) => {
    const script = new Script();
    const { id } = only(script.toNetwork(), ipcp, 1);
    expect(spoken(script.says(ipcp, code, id, body))).toEqual(['c021 5']);
    expect(script.ppp.failure).toEqual({ code: 'PPP_NO_ADDRESS' });
  });

  it('has no address when it is Nakked with 0.0.0.0 again and again', () => {
    const script = new Script();
    let outputs = script.toNetwork();
    for (let i = 0; i <= 10; i++)
      outputs = script.says(ipcp, 3, only(outputs, ipcp, 1).id, '030600000000');
    expect(script.ppp.failure).toEqual({ code: 'PPP_NO_ADDRESS' });
  });

  it('has no address when the peer ends IPCP first', () => {
    const script = new Script();
    script.toNetwork();
    script.says(ipcp, 5, 1, text('No address left'));
    expect(script.ppp.failure).toEqual({ code: 'PPP_NO_ADDRESS', detail: 'No address left' });
  });

  it('gives up on a peer that does not answer', () => {
    const script = new Script();
    script.toNetwork();
    for (let i = 1; i < 10; i++) script.wait();
    expect(spoken(script.wait())).toEqual(['c021 5']);
    expect(script.ppp.failure).toEqual({
      code: 'PPP_NEGOTIATION_FAILED',
      detail: 'the peer does not answer (IPCP)',
    });
  });

  it('takes a new address when the peer negotiates again', () => {
    const script = new Script();
    script.toOpen();
    const outputs = script.says(ipcp, 1, 2, '03060a1e00fd');
    expect(kinds(outputs)).toEqual(['stage', 'transmit', 'transmit']);
    const { id } = only(outputs, ipcp, 1);
    const given = '03060a1e000b';
    const next = only(script.says(ipcp, 3, id, given), ipcp, 1);
    expect(script.says(ipcp, 2, next.id, next.body)).toMatchObject([
      { kind: 'network-up', address: fromHex('0a1e000b'), peerAddress: fromHex('0a1e00fd') },
    ]);
  });

  it('ends the link when the peer ends IPCP', () => {
    const script = new Script();
    script.toOpen();
    script.says(ipcp, 5, 1);
    expect(script.ppp.failure).toEqual({ code: 'PPP_CLOSED_BY_PEER' });
  });

  it('counts the smaller MRU', () => {
    const script = new Script();
    const request = only(script.up(), lcp, 1);
    script.says(lcp, 2, request.id, request.body);
    const asked = only(script.says(lcp, 1, 1, '01040514'), ipcp, 1);
    script.says(ipcp, 1, 1, '');
    const given = '03060a1e000a';
    const next = only(script.says(ipcp, 3, asked.id, given), ipcp, 1);
    expect(script.says(ipcp, 2, next.id, next.body)).toMatchObject([{ mtu: 1300 }]);
  });
});
