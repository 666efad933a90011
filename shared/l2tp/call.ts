/** The one session of a tunnel: an incoming call, as LAC or LNS. RFC 2661 §7.4.1, §7.4.2, as `state-tables.ts` has them. */
import type { Random } from '../wire/bytes.ts';
import { findAvp } from './avp.ts';
import type { Cause } from './cause.ts';
import type { ControlChannel } from './channel.ts';
import * as compose from './compose.ts';
import { DataSession } from './data.ts';
import type { Message } from './message.ts';
import { CallResult, type MessageName, MessageType } from './numbers.ts';
import { type CallAction, type CallEvent, type CallState, INCOMING_CALL } from './state-tables.ts';

/** Most unacknowledged messages behind which a call that is not ours still gets a CDN. */
export const MAX_PENDING_REFUSALS = 8;

/** What a call asks of its tunnel, or tells it. */
type CallEffect = 'open-tunnel' | 'established' | 'ended';

/** What of the tunnel a call needs. */
interface CallTunnel {
  readonly channel: ControlChannel;
  readonly localTunnelId: number;
  /** Framing Capabilities of the peer. */
  readonly peerFraming: number;
}

export class Call {
  readonly #role: 'lac' | 'lns';
  readonly #random: Random;
  readonly localSessionId: number;
  #peerSessionId = 0;
  #state: CallState = 'idle';
  #data: DataSession | undefined;

  constructor(role: 'lac' | 'lns', random: Random) {
    this.#role = role;
    this.#random = random;
    this.localSessionId = randomId(random);
  }

  get state(): CallState {
    return this.#state;
  }

  get peerSessionId(): number {
    return this.#peerSessionId;
  }

  /** The data path: from when the session is established, also after its end. */
  get data(): DataSession | undefined {
    return this.#data;
  }

  /** Feeds the table; messages of the call go to the tunnel's channel. */
  event(event: CallEvent, cause: Cause, tunnel: CallTunnel): readonly CallEffect[] {
    const from = this.#state;
    const cell = INCOMING_CALL[this.#role][from]?.[event];
    if (cell === undefined) return [];
    this.#state = cell.next;
    const avps = cause.message?.avps ?? [];
    this.#peerSessionId ||= findAvp(avps, 'assignedSessionId') ?? 0;
    const effects: CallEffect[] = [];
    for (const action of cell.actions) {
      const effect = this.#act(action, cause, tunnel, from);
      if (effect !== undefined) effects.push(effect);
    }
    return effects;
  }

  /** Whether a message is of this call; a peer that does not know our session id yet sends 0. @rfc 2661 §4.4.4 */
  owns(name: MessageName, { sessionId, avps }: Message): boolean {
    if (sessionId === this.localSessionId) return true;
    if (sessionId !== 0) return false;
    const known = findAvp(avps, 'assignedSessionId') === this.#peerSessionId;
    if (name === 'ICRQ') return this.#role === 'lns' && (this.#state === 'idle' || known);
    return name === 'CDN' && (known || this.#peerSessionId === 0);
  }

  /**
   * A message of another call than this one, which therefore meets a call in state idle: where that has a CDN to
   * send, and for a second call, it is refused. A peer that acknowledges nothing gets no answer for long.
   */
  refuseOther(
    { type, avps }: Message,
    event: CallEvent | undefined,
    channel: ControlChannel,
  ): void {
    const idle = event === undefined ? undefined : INCOMING_CALL[this.#role].idle?.[event];
    const request = type === MessageType.ICRQ || type === MessageType.OCRQ;
    if (!request && !idle?.actions.includes('send-cdn')) return;
    const peerSessionId = findAvp(avps, 'assignedSessionId');
    if (peerSessionId === undefined || channel.pending >= MAX_PENDING_REFUSALS) return;
    const busy = this.#role === 'lns' && type === MessageType.ICRQ;
    const result = busy ? CallResult.noFacilitiesTemporary : CallResult.noFacilitiesPermanent;
    channel.send(compose.cdn(peerSessionId, randomId(this.#random), { result }));
  }

  #act(
    action: CallAction,
    { message, refusal }: Cause,
    { channel, localTunnelId, peerFraming }: CallTunnel,
    from: CallState,
  ): CallEffect | undefined {
    const { localSessionId } = this;
    const peerSessionId = this.#peerSessionId;
    switch (action) {
      case 'open-tunnel':
        return 'open-tunnel';
      case 'send-icrq':
        channel.send(compose.icrq(localSessionId, randomId(this.#random)));
        return undefined;
      case 'send-icrp':
        channel.send(compose.icrp(peerSessionId, localSessionId));
        return undefined;
      case 'send-iccn':
        channel.send(compose.iccn(peerSessionId, peerFraming));
        return undefined;
      case 'send-cdn':
        channel.send(compose.cdn(peerSessionId, localSessionId, refusal.call));
        return undefined;
      case 'prepare-for-data': {
        const { peerTunnelId } = channel;
        const ids = { localTunnelId, peerTunnelId, localSessionId, peerSessionId };
        const required = findAvp(message?.avps ?? [], 'sequencingRequired') === true;
        const otherwise = this.#role === 'lac' ? 'follow-peer' : 'off';
        this.#data = new DataSession(ids, required ? 'required' : otherwise);
        return 'established';
      }
      case 'clean-up':
        // A call that had not begun leaves nothing behind, and the tunnel as it is.
        if (from !== 'idle') return 'ended';
        this.#peerSessionId = 0;
        return undefined;
    }
  }
}

/** A tunnel or session id: 1 to 65,535. */
export function randomId(random: Random): number {
  const [high, low] = random.bytes(2);
  return ((((high ?? 0) << 8) | (low ?? 0)) % 0xffff) + 1;
}
