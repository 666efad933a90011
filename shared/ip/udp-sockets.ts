/** The UDP sockets of the stack's caller, by number. */
import type { Failure } from '../errors.ts';
import { addressBytes, addressNumber } from './address.ts';
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
        const address = addressNumber(input.address);
        if (!this.#udp.send(port, address, input.port, input.bytes)) {
          this.#fail(input.socket, { code: 'UNREACHABLE', detail: 'larger than the link allows' });
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
        this.#emit({ kind: 'udp-data', socket, address: addressBytes(source), port, bytes }),
      unreachable: (_destination, _port, failure) => this.#fail(socket, failure),
    };
    const port = this.#udp.open(handler, wanted);
    if (port === undefined) {
      this.#fail(socket, { code: 'BAD_INPUT', detail: 'no such port is free' });
      return;
    }
    this.#ports.set(socket, port);
    this.#emit({ kind: 'udp-opened', socket, port });
  }

  #fail(socket: number, failure: Failure): void {
    this.#emit({ kind: 'udp-failed', socket, failure });
  }
}
