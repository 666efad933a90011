/**
 * IPv6 over the link, if the peer has it: whatever goes wrong here ends nothing but itself.
 * @rfc 5072
 */
import type { Bytes, Millis, Random } from '../wire/bytes.ts';
import type { Trace } from '../wire/machine.ts';
import { State } from './automaton.ts';
import type { PppTiming } from './config.ts';
import type { ControlPacket } from './control-packet.ts';
import type { Ipv6cpOption } from './ipv6cp-option.ts';
import { Ipv6cpPolicy } from './ipv6cp-policy.ts';
import { Negotiation, type NegotiationOutput } from './negotiation.ts';

/** Links that carry less have no IPv6. @rfc 8200 §5 */
const MINIMUM_MTU = 1280;

export type Ipv6cpOutput =
  | { readonly kind: 'transmit'; readonly packet: ControlPacket }
  /** `interfaceId`: 8 bytes, the second half of our link-local address. */
  | { readonly kind: 'ipv6-up'; readonly interfaceId: Bytes }
  | { readonly kind: 'ipv6-down' }
  | Trace;

export class Ipv6cp {
  readonly #policy: Ipv6cpPolicy;
  readonly #negotiation: Negotiation<Ipv6cpOption>;

  constructor(random: Random, timing: PppTiming) {
    this.#policy = new Ipv6cpPolicy(random);
    this.#negotiation = new Negotiation(this.#policy, timing);
  }

  /** Whether the link below carries it: a packet of IPV6CP is for us then. */
  get isUp(): boolean {
    return this.#negotiation.state > State.starting;
  }

  get isOpen(): boolean {
    return this.#negotiation.state === State.opened;
  }

  get deadline(): Millis | undefined {
    return this.#negotiation.deadline;
  }

  open(now: Millis): readonly Ipv6cpOutput[] {
    return this.#take(this.#negotiation.signal('Open', now), now);
  }

  /** The link is up and carries packets of `mtu` bytes. */
  up(mtu: number, now: Millis): readonly Ipv6cpOutput[] {
    return mtu < MINIMUM_MTU ? [] : this.#take(this.#negotiation.signal('Up', now), now);
  }

  down(now: Millis): readonly Ipv6cpOutput[] {
    return this.isUp ? this.#take(this.#negotiation.signal('Down', now), now) : [];
  }

  timeout(now: Millis): readonly Ipv6cpOutput[] {
    return this.#take(this.#negotiation.timeout(now), now);
  }

  /** Throws `DecodeError` when the body is malformed. */
  receive(packet: ControlPacket, now: Millis): readonly Ipv6cpOutput[] {
    return this.#take(this.#negotiation.receive(packet, now), now);
  }

  /** The peer has no IPv6, as its Protocol-Reject says. */
  rejected(now: Millis): readonly Ipv6cpOutput[] {
    return this.isUp ? this.#take(this.#negotiation.signal('RXJ-', now), now) : [];
  }

  #take(outputs: readonly NegotiationOutput[], now: Millis): Ipv6cpOutput[] {
    const taken: Ipv6cpOutput[] = [];
    for (const output of outputs) {
      switch (output.kind) {
        case 'transmit':
        case 'trace':
          taken.push(output);
          break;
        case 'layer-up':
          taken.push({ kind: 'ipv6-up', interfaceId: this.#policy.id });
          break;
        case 'layer-down':
          taken.push({ kind: 'ipv6-down' });
          break;
        case 'failed': {
          const { detail = output.failure.code } = output.failure;
          taken.push({ kind: 'trace', layer: 'ipv6cp', event: 'failed', detail });
          taken.push(...this.#take(this.#negotiation.signal('Close', now), now));
          break;
        }
        case 'terminated':
        case 'layer-finished':
          break; // There is nothing else to end.
      }
    }
    return taken;
  }
}
