import {
  ControlCode,
  type ControlPacket,
  decodeControlPacket,
  encodeControlPacket,
} from '../../../shared/ppp/control-packet.ts';
import { Ppp, type PppConfig, type PppOutput } from '../../../shared/ppp/ppp.ts';
import { encodeFrame, PppProtocol } from '../../../shared/ppp/protocol.ts';
import { type Bytes, fromHex, type Millis, toHex } from '../../../shared/wire/bytes.ts';
import { utf8Encode } from '../../../shared/wire/text.ts';
import { nodePrimitives } from '../../support/node-primitives.ts';
import { SeededRandom } from '../../support/random.ts';

export const { lcp, ipcp, pap, chap } = PppProtocol;

/** A frame in a line: `lcp 1 7 010405dc` is code 1, identifier 7 and the body. */
interface Line {
  readonly protocol: number;
  readonly packet: ControlPacket;
}

/** A client whose peer is the test. */
export class Script {
  readonly ppp: Ppp;
  now: Millis = 1000;

  constructor(config: Partial<PppConfig> = {}) {
    this.ppp = new Ppp({
      role: 'client',
      random: new SeededRandom(7),
      primitives: nodePrimitives,
      mru: 1400,
      credentials: { userName: 'alice', password: 'alicepw' },
      methods: ['mschapv2', 'chap-md5', 'pap'],
      ...config,
    });
  }

  up(): readonly PppOutput[] {
    return this.ppp.handle({ kind: 'up' }, this.now);
  }

  close(): readonly PppOutput[] {
    return this.ppp.handle({ kind: 'close' }, this.now);
  }

  /** Lets the clock run to the deadline and tells of it. */
  wait(): readonly PppOutput[] {
    this.now = this.ppp.deadline ?? this.now;
    return this.ppp.handle({ kind: 'timeout' }, this.now);
  }

  raw(bytes: Bytes): readonly PppOutput[] {
    return this.ppp.handle({ kind: 'frame', bytes }, this.now);
  }

  says(
    protocol: number,
    code: number,
    id: number,
    body: Bytes | string = '',
  ): readonly PppOutput[] {
    const bytes = typeof body === 'string' ? fromHex(body) : body;
    return this.raw(encodeFrame(protocol, encodeControlPacket({ code, id, body: bytes })));
  }

  /** Brings LCP up with the peer's options, answering whatever we ask for with an Ack. */
  linkUp(peerOptions: string): readonly PppOutput[] {
    const request = only(this.up(), lcp, ControlCode.configureRequest);
    this.says(lcp, ControlCode.configureAck, request.id, request.body);
    return this.says(lcp, ControlCode.configureRequest, 1, peerOptions);
  }

  /** As far as the network phase, without signing in. */
  toNetwork(): readonly PppOutput[] {
    return this.linkUp('');
  }

  /** As far as an open network. */
  toOpen(): readonly PppOutput[] {
    let request = only(this.toNetwork(), ipcp, ControlCode.configureRequest);
    const address = '03060a1e000a81060a1e0001830600000000';
    request = only(this.says(ipcp, 3, request.id, address), ipcp, ControlCode.configureRequest);
    this.says(ipcp, ControlCode.configureAck, request.id, request.body);
    return this.says(ipcp, ControlCode.configureRequest, 1, '03060a1e00fe');
  }
}

/** The control packets among the outputs. */
export function lines(outputs: readonly PppOutput[]): Line[] {
  return outputs.flatMap((output) => {
    if (output.kind !== 'transmit') return [];
    if (toHex(output.bytes.slice(0, 2)) !== 'ff03') throw new Error('not a whole frame');
    const protocol = (output.bytes[2]! << 8) | output.bytes[3]!;
    return [{ protocol, packet: decodeControlPacket(output.bytes.slice(4)) }];
  });
}

/** `lcp`-like short form for tables: `c021 1 010405dc`, identifiers aside. */
export function spoken(outputs: readonly PppOutput[]): string[] {
  return lines(outputs).map(({ protocol, packet }) =>
    `${protocol.toString(16)} ${packet.code} ${toHex(packet.body)}`.trim(),
  );
}

/** The one packet of a protocol and code among the outputs. */
export function only(outputs: readonly PppOutput[], protocol: number, code: number): ControlPacket {
  const found = lines(outputs).filter(
    (line) => line.protocol === protocol && line.packet.code === code,
  );
  if (found.length !== 1) throw new Error(`${found.length} packets of code ${code}`);
  return found[0]!.packet;
}

export function kinds(outputs: readonly PppOutput[]): string[] {
  return outputs.map(({ kind }) => kind);
}

export function events(outputs: readonly PppOutput[]): string[] {
  return outputs.flatMap((output) => (output.kind === 'trace' ? [output.event] : []));
}

export function text(words: string): Bytes {
  return utf8Encode(words);
}
