/** The UDP sockets of the stack's caller, by number. */
import type { Failure } from '../errors.ts';
import { IpAddress } from './address.ts';
import type { UdpInput, UdpOutput } from './messages.ts';
import type { UdpHandler, UdpLayer } from './udp.ts';

export class UdpSockets {
  readonly #udp: UdpLayer;
  readonly #emit: (output: UdpOutput) => void;
  readonly #ports = new Map<number, number>();

  constructor(udp: UdpLayer, emit: (output: UdpOutput) => void) {
    this.#udp = udp;
    this.#emit = emit;
  }

  command(input: UdpInput): void {
    switch (input.kind) {
      case 'udp-open':
        this.#open(input.socket, input.port);
        return;
      case 'udp-send': {
        const port = this.#ports.get(input.socket);
        if (port === undefined) return;
        const { socket } = input;
        const failure = this.#udp.send(port, new IpAddress(input.address), input.port, input.bytes);
        if (failure !== undefined) {
          this.#emit({
            kind: 'udp-undelivered',
            socket,
            sent: false,
            address: input.address,
            port: input.port,
            failure,
          });
        }
        return;
      }
      case 'udp-close': {
        const port = this.#ports.get(input.socket);
        this.#ports.delete(input.socket);
        if (port !== undefined) this.#udp.close(port);
        return;
      }
    }
  }

  #open(socket: number, wanted: number | undefined): void {
    if (this.#ports.has(socket)) throw new RangeError('socket: in use');
    const handler: UdpHandler = {
      received: (source, port, bytes) =>
        this.#emit({ kind: 'udp-data', socket, address: source.bytes, port, bytes }),
      unreachable: ({ bytes: address }, port, failure) =>
        this.#emit({ kind: 'udp-undelivered', socket, sent: true, address, port, failure }),
    };
    const port = this.#udp.open(handler, wanted);
    if (port === undefined) {
      const failure: Failure = { code: 'BAD_INPUT', detail: 'no such port is free' };
      this.#emit({ kind: 'udp-failed', socket, failure });
      return;
    }
    this.#ports.set(socket, port);
    this.#emit({ kind: 'udp-opened', socket, port });
  }
}
