import type { Avp } from '../../../shared/l2tp/avp.ts';
import { L2tp, type L2tpConfig, type L2tpOutput } from '../../../shared/l2tp/l2tp.ts';
import { decodeControl, encodeControl, type Message } from '../../../shared/l2tp/message.ts';
import { type MessageName, MessageType, messageName } from '../../../shared/l2tp/numbers.ts';
import type { Bytes } from '../../../shared/wire/bytes.ts';
import { SeededRandom } from '../../support/random.ts';

/** The ids the scripted side uses. */
export const PEER_TUNNEL = 0x0101;
export const PEER_SESSION = 0x0202;

interface Sent {
  readonly name: MessageName | 'ZLB';
  readonly message: Message | undefined;
}

/** An L2TP machine and a scripted other side, message by message in order; time stands still unless moved. */
export class Script {
  readonly machine: L2tp;
  /** Every output so far. */
  readonly outputs: L2tpOutput[] = [];
  readonly sent: Sent[] = [];
  now = 0;
  /** Learned from the machine's Assigned Tunnel and Session ID AVPs. */
  tunnelId = 0;
  sessionId = 0;
  ns = 0;
  nr = 0;

  constructor(config: Partial<L2tpConfig> = {}) {
    const random = new SeededRandom(7);
    this.machine = new L2tp({ role: 'lac', random, hostName: 'tab', ...config });
  }

  open(): this {
    return this.#take(this.machine.handle({ kind: 'open' }, this.now));
  }

  close(): this {
    return this.#take(this.machine.handle({ kind: 'close' }, this.now));
  }

  datagram(bytes: Bytes): this {
    return this.#take(this.machine.handle({ kind: 'datagram', bytes }, this.now));
  }

  /** Moves the clock to the machine's deadline and calls on it. */
  timeout(): this {
    this.now = this.machine.deadline ?? this.now;
    return this.#take(this.machine.handle({ kind: 'timeout' }, this.now));
  }

  /** The next message of the other side, acknowledging all that came. */
  message(name: MessageName, avps: readonly Avp[] = [], header: Partial<Message> = {}): this {
    const forCall = ['ICRP', 'ICCN', 'CDN', 'WEN', 'SLI'].includes(name);
    const ns = this.ns++ & 0xffff;
    return this.datagram(
      encodeControl({
        kind: 'message',
        tunnelId: this.tunnelId,
        sessionId: forCall ? this.sessionId : 0,
        ns,
        nr: this.nr,
        type: MessageType[name],
        mandatory: true,
        avps,
        ...header,
      }),
    );
  }

  acknowledge(): this {
    const { tunnelId, ns, nr } = this;
    return this.datagram(encodeControl({ kind: 'zlb', tunnelId, sessionId: 0, ns, nr }));
  }

  /** Names of what was sent since the last call. */
  took(): string[] {
    return this.sent.splice(0).map(({ name }) => name);
  }

  /** The one event of a kind so far. */
  event<K extends L2tpOutput['kind']>(kind: K): Extract<L2tpOutput, { kind: K }> | undefined {
    return this.outputs.find((o): o is Extract<L2tpOutput, { kind: K }> => o.kind === kind);
  }

  traces(): string[] {
    return this.outputs.flatMap((output) => (output.kind === 'trace' ? [output.event] : []));
  }

  #take(outputs: readonly L2tpOutput[]): this {
    for (const output of outputs) {
      this.outputs.push(output);
      if (output.kind === 'transmit') this.#note(output.bytes);
    }
    return this;
  }

  #note(bytes: Bytes): void {
    const message = decodeControl(bytes);
    if (message.kind === 'zlb') {
      this.sent.push({ name: 'ZLB', message: undefined });
      return;
    }
    if (message.ns === (this.nr & 0xffff)) this.nr = (this.nr + 1) & 0xffff;
    for (const avp of message.avps) {
      if (avp.kind === 'assignedTunnelId') this.tunnelId = avp.value;
      if (avp.kind === 'assignedSessionId' && message.type !== MessageType.CDN) {
        this.sessionId = avp.value;
      }
    }
    this.sent.push({ name: messageName(message.type)!, message });
  }
}

/** What each message needs to be acceptable. */
export const AVPS: Readonly<Record<'SCCRQ' | 'SCCRP' | 'ICRQ' | 'ICRP' | 'ICCN', readonly Avp[]>> =
  {
    SCCRQ: startAvps(),
    SCCRP: startAvps(),
    ICRQ: [
      { kind: 'assignedSessionId', value: PEER_SESSION },
      { kind: 'callSerialNumber', value: 1 },
    ],
    ICRP: [{ kind: 'assignedSessionId', value: PEER_SESSION }],
    ICCN: [
      { kind: 'txConnectSpeed', value: 1 },
      { kind: 'framingType', value: 1 },
    ],
  };

function startAvps(): Avp[] {
  return [
    { kind: 'protocolVersion', value: { version: 1, revision: 0 } },
    { kind: 'hostName', value: new Uint8Array(Buffer.from('gateway')) },
    { kind: 'framingCapabilities', value: 3 },
    { kind: 'assignedTunnelId', value: PEER_TUNNEL },
  ];
}

/** A LAC whose SCCRQ is out. */
export function lacWaiting(config: Partial<L2tpConfig> = {}): Script {
  return new Script(config).open();
}

/** A LAC whose ICRQ is out. */
export function lacCalling(config: Partial<L2tpConfig> = {}): Script {
  return lacWaiting(config).message('SCCRP', AVPS.SCCRP).acknowledge();
}

/** A LAC with its session. */
export function lacConnected(config: Partial<L2tpConfig> = {}): Script {
  return lacCalling(config).message('ICRP', AVPS.ICRP).acknowledge();
}

/** A LNS that has answered a SCCRQ. */
export function lnsWaiting(config: Partial<L2tpConfig> = {}): Script {
  return new Script({ role: 'lns', ...config }).message('SCCRQ', AVPS.SCCRQ);
}

/** A LNS with a tunnel and no call. */
export function lnsOpen(config: Partial<L2tpConfig> = {}): Script {
  return lnsWaiting(config).message('SCCCN');
}

/** A LNS that has answered an ICRQ. */
export function lnsCalled(config: Partial<L2tpConfig> = {}): Script {
  return lnsOpen(config).message('ICRQ', AVPS.ICRQ);
}

/** A LNS with its session. */
export function lnsConnected(config: Partial<L2tpConfig> = {}): Script {
  return lnsCalled(config).message('ICCN', AVPS.ICCN);
}
