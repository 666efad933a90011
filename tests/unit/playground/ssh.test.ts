import { createHash } from 'node:crypto';
import { once } from 'node:events';
import ssh2, { type Client, type ClientChannel, type ConnectConfig, type SFTPWrapper } from 'ssh2';
import { describe, expect, it, onTestFinished } from 'vitest';
import { at, intranet, readAll, type Visitor } from './world.ts';

const SHELL = '10.99.0.17';

/** An SSH client, signed in. */
async function signIn(visitor: Visitor, more: ConnectConfig = {}): Promise<Client> {
  const client = new ssh2.Client();
  const sock = visitor.connect(at(SHELL), 22);
  client.connect({ sock, username: 'guest', password: 'guest', ...more });
  onTestFinished(() => void client.end());
  await once(client, 'ready');
  return client;
}

async function world() {
  const { visitor } = await intranet();
  const client = visitor('10.99.1.7');
  return { visitor, client, ssh: await signIn(client) };
}

/** A command's output and status. */
function run(ssh: Client, command: string) {
  return new Promise<{ output: string; status: unknown }>((resolve, reject) =>
    ssh.exec(command, (error, channel) => {
      if (error) return reject(error);
      let output = '';
      let status: unknown;
      channel.on('data', (piece: Buffer) => {
        output += piece;
      });
      // It may come with the same packet, so nobody can listen for it later.
      channel.on('exit', (code) => {
        status = code;
      });
      channel.on('close', () => resolve({ output, status }));
    }),
  );
}

function sftp(ssh: Client): Promise<SFTPWrapper> {
  return new Promise((resolve, reject) =>
    ssh.sftp((error, opened) => (error ? reject(error) : resolve(opened))),
  );
}

/** A callback-taking method of `SFTPWrapper` as a promise. */
function call<T>(act: (done: (error: Error | null | undefined, value?: T) => void) => void) {
  return new Promise<T>((resolve, reject) =>
    act((error, value) => (error ? reject(error) : resolve(value as T))),
  );
}

describe('signing in by SSH', () => {
  it.each([
    ['guest', 'wrong'],
    ['root', 'guest'],
  ])('is not for %s with the password %j', async (username, password) => {
    const { visitor } = await intranet();
    const signing = signIn(visitor('10.99.1.7'), { username, password });
    await expect(signing).rejects.toThrow('All configured authentication methods failed');
  });

  it('shows keys whose fingerprints the first page has', async () => {
    const { visitor } = await intranet();
    const client = visitor('10.99.1.7');
    const page = (await client.ask('http://10.99.0.10/')).text;
    for (const algorithm of ['ssh-ed25519', 'ecdsa-sha2-nistp256'] as const) {
      let fingerprint = '';
      await signIn(client, {
        algorithms: { serverHostKey: [algorithm] },
        hostVerifier: (key: Buffer) => {
          fingerprint = createHash('sha256').update(key).digest('base64').replace(/=+$/, '');
          return true;
        },
      });
      expect(page).toContain(`SHA256:${fingerprint}`);
    }
  });

  it.each([
    ['no SSH at all', 'GET / HTTP/1.1\r\n\r\n'],
    ['an endless first line', 'x'.repeat(100_000)],
    ['a packet of 4 GB', 'SSH-2.0-x\r\n\xff\xff\xff\xff\xff\xff\xff\xff'],
    ['a packet of the wrong kind', 'SSH-2.0-x\r\n\0\0\0\x0c\x0a\x32\0\0\0\0\0\0\0\0\0\0'],
  ])('ends with %s, and others are served', async (_, bytes) => {
    const { visitor } = await intranet();
    const client = visitor('10.99.1.7');
    const connection = client.connect(at(SHELL), 22);
    connection.write(Buffer.from(bytes, 'latin1'));
    await readAll(connection).catch(() => undefined);
    connection.destroy();
    await expect.poll(() => client.connections).toBe(0);
    await signIn(client);
  });
});

describe('the shell', () => {
  it('runs a command and says how it went', async () => {
    const { ssh } = await world();
    expect(await run(ssh, 'cat notes/shopping.txt')).toEqual({
      output: 'beans\nmilk\na new grinder\n',
      status: 0,
    });
    expect(await run(ssh, 'whoami')).toEqual({ output: 'guest, from 10.99.1.7\n', status: 0 });
    expect((await run(ssh, 'reboot')).status).toBe(127);
    expect(await run(ssh, 'cat /etc/passwd')).toEqual({ output: 'cat: not there\n', status: 1 });
  });

  it('is typed at like any other, with a prompt, an echo and a history', async () => {
    const { ssh } = await world();
    const channel = await call<ClientChannel>((done) => ssh.shell({ cols: 100, rows: 30 }, done));
    let screen = '';
    channel.on('data', (piece: Buffer) => {
      screen += piece;
    });
    await expect.poll(() => screen).toMatch(/~\$ $/);
    screen = '';
    channel.write('cd nots\x7f\x7fes\x1b[D\x1b[Dt\x05\r');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what terminals get
    await expect.poll(() => screen).toMatch(/\n\x1b\[1mguest@shell\x1b\[0m:~\/notes\$ $/);
    channel.setWindow(24, 80, 0, 0);
    screen = '';
    channel.write('size\r');
    await expect.poll(() => screen).toContain('80 columns, 24 rows\r\n');
    channel.write('\x1b[A\x03exit\r');
    await once(channel, 'close');
    expect(screen).toContain('size^C\r\n');
  });

  it('reads lines without a terminal, and waits for who reads slowly', async () => {
    const { ssh } = await world();
    const channel = await call<ClientChannel>((done) => ssh.shell(false, done));
    channel.end('seq 50000\nseq 50000\necho done');
    let [length, tail] = [0, ''];
    for await (const piece of channel) {
      length += piece.length;
      tail = (tail + piece).slice(-5);
    }
    const once = Array.from({ length: 50_000 }, (_, i) => `${i + 1}\n`).join('').length;
    expect([length, tail]).toEqual([2 * once + 5, 'done\n']);
  });

  it('opens a bounded number of channels', async () => {
    const { ssh } = await world();
    const open = () => call<ClientChannel>((done) => ssh.shell(false, done));
    const channels = await Promise.all(Array.from({ length: 8 }, open));
    await expect(open()).rejects.toThrow('open failure');
    channels[0]!.end();
    await once(channels[0]!.resume(), 'close');
    await open();
  });
});

describe('SFTP', () => {
  it('lists, reads, writes, renames and removes what the shell sees', async () => {
    const { ssh } = await world();
    const files = await sftp(ssh);
    const list = await call<{ filename: string }[]>((done) => files.readdir('.', done));
    expect(list.map(({ filename }) => filename).sort()).toEqual(['notes', 'readme.txt']);
    const haiku = await call<Buffer>((done) => files.readFile('notes/haiku.txt', done));
    expect(haiku.toString()).toContain('only the words land');
    expect(await call<string>((done) => files.realpath('notes/..', done))).toBe('/home/guest');

    const bytes = Buffer.alloc(200_000, 'upload');
    await call<void>((done) => files.mkdir('new', done));
    await call<void>((done) => files.writeFile('new/a.bin', bytes, done));
    await call<void>((done) => files.rename('new/a.bin', 'new/b.bin', done));
    const { size, mode } = await call<{ size: number; mode: number }>((done) =>
      files.stat('new/b.bin', done),
    );
    expect([size, mode]).toEqual([200_000, 0o100644]);
    expect((await call<Buffer>((done) => files.readFile('new/b.bin', done))).equals(bytes)).toBe(
      true,
    );
    expect((await run(ssh, 'ls -l new')).output).toMatch(/^ {3}200000 .* b\.bin\n$/);
    await expect(call<void>((done) => files.rmdir('new', done))).rejects.toThrow('not empty');
    await call<void>((done) => files.unlink('new/b.bin', done));
    await call<void>((done) => files.rmdir('new', done));
    expect((await run(ssh, 'ls')).output).toBe('notes/\nreadme.txt\n');
  });

  it.each([
    ['writing outside the home', '/etc/motd', 'not allowed'],
    ['writing through the home', '../../etc/motd', 'not allowed'],
    ['writing where no folder is', 'nowhere/file', 'not there'],
    ['writing to a folder', 'notes', 'a folder'],
  ])('refuses %s', async (_, path, reason) => {
    const { ssh } = await world();
    const files = await sftp(ssh);
    const bytes = Buffer.from('text');
    await expect(call<void>((done) => files.writeFile(path, bytes, done))).rejects.toThrow(reason);
  });

  it('refuses more bytes than are kept for a visitor', async () => {
    const { ssh } = await world();
    const files = await sftp(ssh);
    const file = await call<Buffer>((done) => files.open('large', 'w', done));
    const write = (at: number) =>
      call<void>((done) => files.write(file, Buffer.alloc(1), 0, 1, at, done));
    await write(900_000);
    await expect(write(1_000_000)).rejects.toThrow('no space left');
    expect((await call<{ size: number }>((done) => files.stat('large', done))).size).toBe(900_001);
  });

  /** The bare channel: `OPEN` has number 1, `READ` 2 and up. */
  async function raw(ssh: Client) {
    const channel = await call<ClientChannel>((done) => ssh.subsys('sftp', done));
    const send = (type: number, ...fields: (number | string)[]) => {
      const parts = fields.map((field) => {
        const bytes = Buffer.alloc(4);
        bytes.writeUInt32BE(typeof field === 'number' ? field : field.length);
        return typeof field === 'number'
          ? bytes
          : Buffer.concat([bytes, Buffer.from(field, 'latin1')]);
      });
      const body = Buffer.concat([Uint8Array.of(type), ...parts]);
      const length = Buffer.alloc(4);
      length.writeUInt32BE(body.length);
      channel.write(Buffer.concat([length, body]));
    };
    send(1, 3);
    await once(channel, 'data');
    return { channel, send };
  }

  it('ends a connection with what is no SFTP, and others are served', async () => {
    const { client, ssh } = await world();
    const { channel, send } = await raw(ssh);
    ssh.on('error', () => undefined);
    send(255, 1);
    send(17, 1);
    channel.write(Buffer.alloc(64, 0xff));
    await once(channel.resume(), 'close');
    const other = await sftp(await signIn(client));
    expect(await call<unknown[]>((done) => other.readdir('.', done))).toHaveLength(2);
  });

  it('reads no more for who does not take it', async () => {
    const { ssh } = await world();
    const file = await sftp(ssh);
    await call<void>((done) => file.writeFile('large', Buffer.alloc(64_000), done));
    const { channel, send } = await raw(ssh);
    const types: number[] = [];
    send(3, 1, 'large', 1, 0);
    const [opened] = await once(channel, 'data');
    const handle = opened.subarray(13).toString('latin1');
    channel.pause();
    for (let id = 2; id < 202; id++) send(5, id, handle, 0, 0, 64_000);
    // Behind all of them, on a connection that is in order: all have been read.
    await call<unknown>((done) => file.stat('large', done));
    let rest = Buffer.alloc(0);
    channel.on('data', (piece: Buffer) => {
      rest = Buffer.concat([rest, piece]);
      while (rest.length >= 4 && rest.length >= 4 + rest.readUInt32BE(0)) {
        types.push(rest[4]!);
        rest = rest.subarray(4 + rest.readUInt32BE(0));
      }
    });
    channel.resume();
    await expect.poll(() => types.length, { timeout: 10_000 }).toBe(200);
    const data = types.filter((type) => type === 103).length;
    expect(data * 64_000).toBeGreaterThan(2_000_000);
    expect(data * 64_000).toBeLessThan(8_000_000);
  });

  it('keeps a bounded number of files open', async () => {
    const { ssh } = await world();
    const files = await sftp(ssh);
    const open = () => call<Buffer>((done) => files.open('readme.txt', 'r', done));
    const handles = await Promise.all(Array.from({ length: 32 }, open));
    await expect(open()).rejects.toThrow('too many open files');
    await call<void>((done) => files.close(handles[0]!, done));
    await open();
  });

  it('shows each visitor files of their own, until the tunnel ends', async () => {
    const { visitor, client, ssh } = await world();
    expect((await run(ssh, 'echo mine > diary')).status).toBe(0);
    expect((await run(ssh, 'cat diary')).output).toBe('mine\n');
    const other = await signIn(visitor('10.99.1.8'));
    expect((await run(other, 'cat diary')).status).toBe(1);
    ssh.on('error', () => undefined);
    client.close();
    const next = await signIn(visitor('10.99.1.7'));
    expect((await run(next, 'cat diary')).status).toBe(1);
  });
});
