import { once } from 'node:events';
import { decode, encode } from '@leichtgewicht/dns-packet';
import { describe, expect, it } from 'vitest';
import { HOSTS } from '../../../playground/intranet/hosts.ts';
import { Names } from '../../../playground/intranet/name-server.ts';
import { decodeReply, encodeQuestion, type RecordType } from '../../../shared/ip/dns-message.ts';
import type { Bytes } from '../../../shared/wire/bytes.ts';
import { at, intranet } from './world.ts';

const SERVER = '10.99.0.2';
const names = new Names(Object.values(HOSTS));

/** What our own resolver makes of the answer. */
function ask(name: string, type: RecordType) {
  const question = { name, type };
  return decodeReply(names.answer(encodeQuestion(7, question))!, 7, question);
}

/** A whole message as dns-packet reads it. */
function raw(bytes: Bytes) {
  const reply = names.answer(bytes);
  return reply && decode(reply);
}

describe('the name server', () => {
  it('knows every host’s address, and the name of every address', () => {
    expect(ask('wiki.intranet.test', 'A')).toMatchObject({
      kind: 'records',
      records: [{ type: 'A', address: at('10.99.0.11') }],
    });
    expect(ask('intranet.test', 'A')).toMatchObject({ records: [{ address: at('10.99.0.10') }] });
    expect(ask('11.0.99.10.in-addr.arpa', 'PTR')).toMatchObject({
      records: [{ type: 'PTR', name: 'wiki.intranet.test' }],
    });
    for (const { label, address } of Object.values(HOSTS)) {
      const name = label === '' ? 'intranet.test' : `${label}.intranet.test`;
      expect(ask(name, 'A')).toMatchObject({ records: [{ address }] });
    }
  });

  it('tells a name that is not there from one without such a record, and for how long', () => {
    expect(ask('nowhere.intranet.test', 'A')).toEqual({ kind: 'none', wholly: true, ttl: 300 });
    expect(ask('example.com', 'A')).toEqual({ kind: 'none', wholly: true, ttl: 300 });
    expect(ask('wiki.intranet.test', 'AAAA')).toEqual({ kind: 'none', wholly: false, ttl: 300 });
    expect(ask('9.9.99.10.in-addr.arpa', 'PTR')).toMatchObject({ wholly: true });
  });

  it('takes names in any case and repeats them as they were asked', () => {
    const query = encode({
      type: 'query',
      id: 1,
      questions: [{ type: 'A', class: 'IN', name: 'WiKi.Intranet.TEST' }],
    });
    const reply = raw(new Uint8Array(query))!;
    expect(reply).toMatchObject({ rcode: 'NOERROR', flag_aa: true, flag_rd: false });
    expect(reply.questions![0]!.name).toBe('WiKi.Intranet.TEST');
    expect(reply.answers).toMatchObject([{ name: 'WiKi.Intranet.TEST', data: '10.99.0.11' }]);
  });

  it('answers what it cannot read, and other questions, with an error; replies with nothing', () => {
    const query = encodeQuestion(7, { name: 'wiki.intranet.test', type: 'A' });
    expect(raw(query.subarray(0, 11))).toBeUndefined();
    expect(raw(query.subarray(0, 20))).toMatchObject({ id: 7, rcode: 'FORMERR' });
    expect(raw(query.with(2, 0x80))).toBeUndefined();
    expect(raw(query.with(2, 0x28))).toMatchObject({ id: 7, rcode: 'NOTIMP' });
    expect(raw(query.with(5, 0))).toMatchObject({ rcode: 'FORMERR' });
    expect(raw(new Uint8Array(2000))).toBeUndefined();
  });

  it('never throws and never answers at length, whatever arrives', () => {
    const query = encodeQuestion(7, { name: 'wiki.intranet.test', type: 'A' });
    for (let i = 2; i < query.length; i++) {
      for (const value of [0, 0x3f, 0xc0, 0xff]) {
        expect(names.answer(query.with(i, value))?.length ?? 0).toBeLessThan(512);
      }
      names.answer(query.subarray(0, i));
    }
  });

  it('is reached by UDP and by TCP, several questions on one connection', async () => {
    const { visitor } = await intranet();
    const client = visitor('10.99.1.1');
    const question = encodeQuestion(7, { name: 'wiki.intranet.test', type: 'A' });
    const replies: Bytes[] = [];
    client
      .bind(5353, ({ bytes }) => replies.push(bytes))
      .send({ address: at(SERVER), port: 53, bytes: question });
    await expect.poll(() => replies).toHaveLength(1);

    const connection = client.connect(at(SERVER), 53);
    const framed = Buffer.concat([Uint8Array.of(0, question.length), question]);
    // In pieces that respect no boundary.
    for (const byte of Buffer.concat([framed, framed])) connection.write(Uint8Array.of(byte));
    const pieces: Buffer[] = [];
    connection.on('data', (piece) => pieces.push(piece));
    const reply = replies[0]!;
    const once = Buffer.concat([Uint8Array.of(0, reply.length), reply]);
    await expect.poll(() => Buffer.concat(pieces)).toEqual(Buffer.concat([once, once]));
    connection.end();
  });

  it('cuts off who announces more than a question can be', async () => {
    const { visitor } = await intranet();
    const connection = visitor('10.99.1.1').connect(at(SERVER), 53);
    connection.write(Uint8Array.of(0xff, 0xff));
    const [error] = await once(connection, 'error');
    expect(error).toMatchObject({ code: 'ECONNRESET' });
  });
});
