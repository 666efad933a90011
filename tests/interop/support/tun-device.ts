/** TUN devices for Node, through a small program in C that is compiled when it is first needed. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mustRun } from '../../../scripts/support/command.ts';
import { type Bytes, EMPTY } from '../../../shared/wire/bytes.ts';
import type { Port } from '../../support/net/wire.ts';

const SOURCE = fileURLToPath(new URL('tun.c', import.meta.url));
const CACHE = fileURLToPath(new URL('../../../.cache/tun', import.meta.url));
const FRAME_HEADER = 2;

type CommandIn = (file: string, args: readonly string[]) => [file: string, args: string[]];

/** Why this machine has no TUN devices for tests; `undefined` when it has. */
export function tunObstacle(): string | undefined {
  const { status } = spawnSync('cc', ['--version']);
  return status === 0 ? undefined : 'there is no C compiler `cc`';
}

/** The compiled program. Throws when there is no C compiler. */
async function compiledProgram(): Promise<string> {
  const source = readFileSync(SOURCE);
  const name = createHash('sha256').update(source).digest('hex').slice(0, 16);
  const program = join(CACHE, `tun-${name}`);
  if (existsSync(program)) return program;
  mkdirSync(CACHE, { recursive: true });
  // Others may be compiling it too, in this process or another: each its own file, the last one stays.
  const fresh = `${program}-${randomUUID()}`;
  await mustRun('cc', ['-O2', '-Wall', '-Wextra', '-o', fresh, SOURCE]);
  renameSync(fresh, program);
  return program;
}

/** One end is the kernel's, the other this port. */
export class TunDevice implements Port {
  send: (packet: Bytes) => void = () => undefined;
  readonly #child: ChildProcess;
  #rest: Bytes = EMPTY;
  #failure = '';
  #attached: () => void = () => undefined;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.stdout?.on('data', (chunk: Buffer) => this.#arrived(chunk));
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#failure += chunk;
    });
    // A device that goes takes what is being written with it.
    child.stdin?.on('error', () => undefined);
  }

  /**
   * Attaches to the device `name`, which exists already. Throws when there is no C compiler, or no such device.
   *
   * @param command Makes the command line that runs a program in the device's namespace.
   */
  static async open(name: string, command: CommandIn): Promise<TunDevice> {
    const child = spawn(...command(await compiledProgram(), [name]), { stdio: 'pipe' });
    const device = new TunDevice(child);
    await new Promise<void>((resolve, reject) => {
      device.#attached = resolve;
      child.on('error', reject);
      child.on('close', () => reject(new Error(`TUN device ${name}: ${device.failure.trim()}`)));
    });
    return device;
  }

  /** What the program had to say when it failed. */
  get failure(): string {
    return this.#failure;
  }

  deliver(packets: readonly Bytes[]): void {
    let size = 0;
    for (const packet of packets) size += FRAME_HEADER + packet.length;
    const frames = Buffer.allocUnsafe(size);
    let at = 0;
    for (const packet of packets) {
      frames.writeUInt16BE(packet.length, at);
      frames.set(packet, at + FRAME_HEADER);
      at += FRAME_HEADER + packet.length;
    }
    this.#child.stdin?.write(frames);
  }

  close(): void {
    this.#child.stdin?.end();
  }

  #arrived(chunk: Buffer): void {
    let bytes: Bytes = new Uint8Array(chunk.buffer as ArrayBuffer, chunk.byteOffset, chunk.length);
    if (this.#rest.length > 0) {
      const joined = new Uint8Array(this.#rest.length + bytes.length);
      joined.set(this.#rest);
      joined.set(bytes, this.#rest.length);
      bytes = joined;
    }
    let at = 0;
    while (at + FRAME_HEADER <= bytes.length) {
      const end = at + FRAME_HEADER + ((bytes[at]! << 8) | bytes[at + 1]!);
      if (end > bytes.length) break;
      if (end > at + FRAME_HEADER) this.send(bytes.subarray(at + FRAME_HEADER, end));
      else this.#attached();
      at = end;
    }
    this.#rest = bytes.subarray(at);
  }
}
