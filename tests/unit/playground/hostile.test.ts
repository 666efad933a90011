import { once } from 'node:events';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { WebSocket } from 'ws';
import { at, intranet, readAll } from './world.ts';

const WIKI = '10.99.0.11';

/** A visitor, and the assertion that nothing they do is taken for a defect of ours. */
async function world() {
  const logged = vi.spyOn(console, 'error');
  onTestFinished(() => {
    expect(logged).not.toHaveBeenCalled();
    logged.mockRestore();
  });
  const { visitor } = await intranet();
  const client = visitor('10.99.1.7');
  const isServed = async () => {
    expect((await client.ask(`http://${WIKI}/`)).status).toBe(200);
    await expect.poll(() => client.connections).toBe(0);
  };
  return { client, isServed };
}

describe('a web site', () => {
  it.each([
    ['what is no HTTP', '\x16\x03\x01\x02\x00', 400],
    [
      'two lengths',
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
      400,
    ],
    ['no host', 'GET / HTTP/1.1\r\n\r\n', 400],
  ])('answers %s with an error, and goes on', async (_, bytes, status) => {
    const { client, isServed } = await world();
    const connection = client.connect(at(WIKI), 80);
    connection.write(Buffer.from(bytes, 'latin1'));
    expect((await readAll(connection)).toString()).toContain(`HTTP/1.1 ${status} `);
    connection.end();
    await isServed();
  });

  it('ends a header that does not end', async () => {
    const { client, isServed } = await world();
    const connection = client.connect(at(WIKI), 80);
    connection.write(`GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}`);
    await readAll(connection).catch(() => undefined);
    connection.destroy();
    await isServed();
  });

  it('goes on where a visitor leaves in the middle of a form, or of a page', async () => {
    const { client, isServed } = await world();
    for (const leave of ['end', 'destroy', 'resetAndDestroy'] as const) {
      const form = client.connect(at(WIKI), 80).on('error', () => undefined);
      form.write(
        'POST /page/x/edit HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\ntitle',
      );
      await once(form, 'connect');
      const file = client.connect(at('10.99.0.14'), 80).on('error', () => undefined);
      file.write('GET /100-MB.bin HTTP/1.1\r\nHost: x\r\n\r\n');
      await once(file, 'data');
      form.resume()[leave]();
      file.destroy();
    }
    await isServed();
  });

  it('answers many requests that were sent at once', async () => {
    const { client, isServed } = await world();
    const connection = client.connect(at(WIKI), 80);
    const request = 'GET /search?q=the HTTP/1.1\r\nHost: x\r\n\r\n';
    connection.write(`${request.repeat(99)}GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    const text = (await readAll(connection)).toString();
    expect(text.match(/HTTP\/1\.1 200 /g)).toHaveLength(100);
    connection.end();
    await isServed();
  });

  it('does not answer pings of a viewer who reads nothing', async () => {
    const { client, isServed } = await world();
    const viewer = new WebSocket('ws://status.intranet.test/live', {
      createConnection: () => client.connect(at('10.99.0.12'), 80) as never,
    });
    await once(viewer, 'open');
    viewer.ping('x'.repeat(100));
    expect(String((await once(viewer, 'pong'))[0])).toBe('x'.repeat(100));
    viewer.terminate();
    await isServed();
  });
});
