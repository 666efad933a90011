import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { HOSTS, hostName } from '../../../playground/intranet/hosts.ts';
import { GeneratedFile } from '../../../playground/intranet/sites/files/content.ts';
import { parseRange } from '../../../playground/intranet/sites/files/range.ts';
import { at, intranet, readAll, type Visitor } from './world.ts';

async function world() {
  const made = await intranet();
  return { ...made, client: made.visitor('10.99.1.7') };
}

describe('the first page', () => {
  it('links to every site, each of which answers', async () => {
    const { client, bookmarks } = await world();
    const { text } = await client.ask('http://10.99.0.10/');
    expect(text).toContain('<strong>10.99.1.7</strong>');
    for (const { url } of bookmarks) {
      expect(text).toContain(`href="${url}"`);
      const host = Object.values(HOSTS).find((each) => url === `http://${hostName(each)}/`)!;
      expect((await client.ask(`http://${host.address.join('.')}/`)).status).toBeLessThan(400);
    }
  });
});

describe('people', () => {
  const PEOPLE = 'http://10.99.0.13';

  it('shows the directory to who has signed in, until they sign out', async () => {
    const { client } = await world();
    expect((await client.ask(`${PEOPLE}/`)).headers.location).toBe('/sign-in');
    const answer = await client.send(`${PEOPLE}/sign-in`, { user: 'moss', password: 'decaf' });
    expect([answer.status, answer.headers.location]).toEqual([303, '/']);
    const [set] = answer.headers['set-cookie']!;
    expect(set).toMatch(/^session=[\w-]{24}; Path=\/; Max-Age=3600; HttpOnly; SameSite=Lax$/);
    const headers = { Cookie: `other=1; ${set!.split(';')[0]}` };
    const { text } = await client.ask(`${PEOPLE}/`, { headers });
    expect(text).toContain('Signed in as <strong>moss</strong>');
    expect(text).toContain('Retransmission');
    await client.send(`${PEOPLE}/sign-out`, {}, headers);
    expect((await client.ask(`${PEOPLE}/`, { headers })).status).toBe(303);
  });

  it.each([
    ['moss', 'coffee'],
    ['nobody', 'decaf'],
    ['', ''],
  ])('does not let in %j with %j', async (user, password) => {
    const { client } = await world();
    const answer = await client.send(`${PEOPLE}/sign-in`, { user, password });
    expect(answer.status).toBe(403);
    expect(answer.headers['set-cookie']).toBeUndefined();
  });

  it('takes a session from the visitor it was given to, and ends it with the tunnel', async () => {
    const { client, visitor } = await world();
    const answer = await client.send(`${PEOPLE}/sign-in`, { user: 'moss', password: 'decaf' });
    const headers = { Cookie: answer.headers['set-cookie']![0]!.split(';')[0]! };
    const status = async (who: Visitor) => (await who.ask(`${PEOPLE}/`, { headers })).status;
    expect(await status(client)).toBe(200);
    expect(await status(visitor('10.99.1.8'))).toBe(303);
    client.close();
    expect(await status(visitor('10.99.1.7'))).toBe(303);
  });
});

describe('files', () => {
  const FILES = 'http://10.99.0.14';
  /** Of what `openssl enc -aes-256-ctr` makes of zeros, with the SHA-256 of the name as its key. */
  const FIVE_MEGABYTES = '48e9bb3a170ff2e77aabf4256b22ca0b671ff2d13307ba3e96dbf9d76717b4d1';

  it('sends a file, and says its SHA-256', async () => {
    const { client } = await world();
    const { headers, body } = await client.ask(`${FILES}/5-MB.bin`);
    expect(headers).toMatchObject({ 'content-length': '5000000', 'accept-ranges': 'bytes' });
    expect(createHash('sha256').update(body).digest('hex')).toBe(FIVE_MEGABYTES);
    const sum = await client.ask(`${FILES}/5-MB.bin.sha256`);
    expect(sum.text).toBe(`${FIVE_MEGABYTES}  5-MB.bin\n`);
    expect((await client.ask(`${FILES}/`)).text).toContain(FIVE_MEGABYTES);
  });

  it('sends parts that fit together', async () => {
    const { client } = await world();
    const ask = (Range: string, more = {}) =>
      client.ask(`${FILES}/1-MB.bin`, { headers: { Range, ...more } });
    const whole = (await client.ask(`${FILES}/1-MB.bin`)).body;
    for (const [range, start, end] of [
      ['bytes=0-0', 0, 1],
      ['bytes=100-131172', 100, 131_173],
      ['bytes=999990-', 999_990, 1_000_000],
      ['bytes=-17', 999_983, 1_000_000],
      ['bytes=999999-2000000', 999_999, 1_000_000],
    ] as const) {
      const { status, headers, body } = await ask(range);
      expect(status).toBe(206);
      expect(headers['content-range']).toBe(`bytes ${start}-${end - 1}/1000000`);
      expect(body.equals(whole.subarray(start, end))).toBe(true);
    }
    const beyond = await ask('bytes=1000000-');
    expect([beyond.status, beyond.headers['content-range']]).toEqual([416, 'bytes */1000000']);
    const { etag } = beyond.headers;
    expect(etag).toBeUndefined();
    expect((await ask('bytes=0-9', { 'If-Range': '"1-MB.bin"' })).body).toHaveLength(10);
    expect((await ask('bytes=0-9', { 'If-Range': '"another"' })).body).toHaveLength(1_000_000);
  });

  it.each([
    ['bytes=0-', { start: 0, end: 10 }],
    ['bytes=3-3', { start: 3, end: 4 }],
    ['bytes=-20', { start: 0, end: 10 }],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=10-', 'unsatisfiable'],
    ['bytes=5-3', undefined],
    ['bytes=-', undefined],
    ['bytes=0-1,3-4', undefined],
    ['lines=0-1', undefined],
    [undefined, undefined],
  ])('reads the range %j of ten bytes', (header, expected) => {
    expect(parseRange(header, 10)).toEqual(expected);
  });

  it('makes the last bytes of a large file without the ones before', async () => {
    const file = new GeneratedFile('large', 2 ** 35);
    const pieces: Buffer[] = [];
    for await (const piece of file.read(file.size - 20, file.size)) pieces.push(piece);
    expect(Buffer.concat(pieces)).toHaveLength(20);
  });
});

describe('speed', () => {
  const SPEED = 'http://10.99.0.16';

  it('sends as much as is asked for, and counts what it gets', async () => {
    const { client } = await world();
    for (const bytes of [0, 1, 65_537, 300_000]) {
      expect((await client.ask(`${SPEED}/down?bytes=${bytes}`)).body).toHaveLength(bytes);
    }
    const body = Buffer.alloc(300_000);
    const { text } = await client.ask(`${SPEED}/up`, { method: 'POST', body });
    expect(JSON.parse(text)).toEqual({ bytes: 300_000, millis: expect.any(Number) });
  });

  it.each(['-1', 'x', '1e3', '1000000001', '99999999999'])(
    'refuses to send %s bytes',
    async (bytes) => {
      const { client } = await world();
      expect((await client.ask(`${SPEED}/down?bytes=${bytes}`)).status).toBe(400);
    },
  );
});

describe('status', () => {
  it('sends a sample every second to who watches', async () => {
    const { client } = await world();
    const viewer = new WebSocket('ws://status.intranet.test/live', {
      createConnection: () => client.connect(at('10.99.0.12'), 80) as never,
    });
    const [first] = await once(viewer, 'message');
    expect(JSON.parse(String(first))).toEqual({
      toVisitors: expect.any(Number),
      toHosts: expect.any(Number),
      connections: 1,
      visitors: 1,
    });
    const { text } = await client.ask('http://10.99.0.12/');
    expect(text).toMatch(/<polyline points="300.0,/);
    expect(text).toMatch(
      /status.intranet.test<\/td><td class="number">10.99.0.12<\/td><td class="number">[12]</,
    );
    viewer.close();
    await once(viewer, 'close');
  });

  it('ends a viewer who talks too much, and refuses other paths', async () => {
    const { client } = await world();
    const createConnection = () => client.connect(at('10.99.0.12'), 80) as never;
    const viewer = new WebSocket('ws://status.intranet.test/live', { createConnection });
    await once(viewer, 'open');
    viewer.send('x'.repeat(1000));
    expect((await once(viewer, 'close'))[0]).toBe(1009);
    const other = new WebSocket('ws://status.intranet.test/other', { createConnection });
    const [error] = await once(other, 'error');
    expect(String(error)).toContain('404');
  });
});

describe('HTTPS', () => {
  /** A TLS connection to a host by its name. */
  function dial(client: Visitor, address: string, options: ConnectionOptions): TLSSocket {
    return connectTls({ socket: client.connect(at(address), 443) as never, ...options });
  }

  it('is trusted by who trusts the authority, and by nobody else', async () => {
    const { client } = await world();
    const ca = (await client.ask('http://10.99.0.15/ca.crt')).text;
    const servername = 'wiki.intranet.test';
    const secure = dial(client, '10.99.0.11', { ca, servername });
    await once(secure, 'secureConnect');
    expect(secure.authorized).toBe(true);
    const page = await client.ask('http://10.99.0.11/', { connect: () => secure });
    expect(page.text).toContain('href="https://people.intranet.test/"');
    expect(page.text).toContain('<strong>10.99.1.7</strong>');

    const [unknown] = await once(dial(client, '10.99.0.11', { servername }), 'error');
    expect(unknown.code).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE');
    const other = dial(client, '10.99.0.11', { ca, servername: 'wiki.example.com' });
    expect((await once(other, 'error'))[0].code).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
  });

  it('carries WebSockets', async () => {
    const { client } = await world();
    const ca = (await client.ask('http://10.99.0.15/ca.crt')).text;
    const servername = 'status.intranet.test';
    const viewer = new WebSocket(`wss://${servername}/live`, {
      createConnection: () => dial(client, '10.99.0.12', { ca, servername }) as never,
    });
    await once(viewer, 'open');
    viewer.close();
    expect((await once(viewer, 'close'))[0]).toBe(1005);
  });

  it('marks cookies as secure', async () => {
    const { client } = await world();
    const ca = (await client.ask('http://10.99.0.15/ca.crt')).text;
    const connect = () => dial(client, '10.99.0.13', { ca, servername: 'people.intranet.test' });
    const answer = await client.ask('http://10.99.0.13/sign-in', {
      connect,
      method: 'POST',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      body: 'user=moss&password=decaf',
    });
    expect(answer.headers['set-cookie']![0]).toMatch(/; Secure$/);
  });

  it('shows the fingerprint of the authority, which may vouch for no other domain', async () => {
    const { client } = await world();
    const certificate = new X509Certificate((await client.ask('http://10.99.0.15/ca.crt')).body);
    const { text } = await client.ask('http://10.99.0.15/');
    expect(text.replaceAll(/\s/g, ':')).toContain(certificate.fingerprint256);
    expect(certificate.ca).toBe(true);
    // NameConstraints: permitted, one subtree, dNSName.
    expect(certificate.raw.toString('latin1')).toContain(
      '\x30\x13\xa0\x11\x30\x0f\x82\x0dintranet.test',
    );
  });

  it('ends a handshake that is none', async () => {
    const { client } = await world();
    const connection = client.connect(at('10.99.0.11'), 443);
    connection.end('GET / HTTP/1.1\r\n\r\n');
    await readAll(connection).catch(() => undefined);
    await expect.poll(() => client.connections).toBe(0);
  });
});

describe('echo', () => {
  it('sends back what it gets, by TCP and by UDP', async () => {
    const { client } = await world();
    const connection = client.connect(at('10.99.0.18'), 7);
    const sent = Buffer.alloc(200_000, 'all of this');
    connection.end(sent);
    expect((await readAll(connection)).equals(sent)).toBe(true);

    const replies: string[] = [];
    const port = client.bind(4000, ({ bytes }) => replies.push(Buffer.from(bytes).toString()));
    port.send({ address: at('10.99.0.18'), port: 7, bytes: new Uint8Array(Buffer.from('back')) });
    await expect.poll(() => replies).toEqual(['back']);
  });

  it('is not drawn into a conversation with another echo service', async () => {
    const { client } = await world();
    const replies: string[] = [];
    const port = client.bind(7, ({ bytes }) => replies.push(Buffer.from(bytes).toString()));
    const other = client.bind(8, ({ bytes }) => replies.push(Buffer.from(bytes).toString()));
    const to = { address: at('10.99.0.18'), port: 7 };
    port.send({ ...to, bytes: Uint8Array.of(55) });
    other.send({ ...to, bytes: Uint8Array.of(56) });
    await expect.poll(() => replies).toEqual(['8']);
  });
});
