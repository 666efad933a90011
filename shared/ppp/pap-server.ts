/** Lets a peer sign in with PAP. RFC 1334 §2. */
import type { Bytes, Millis } from '../wire/bytes.ts';
import { constantTimeEqual } from '../wire/bytes.ts';
import { utf8Decode, utf8Encode } from '../wire/text.ts';
import type { Authentication, AuthenticationOutput } from './authentication.ts';
import type { PppTiming, ServerConfig } from './config.ts';
import type { ControlPacket } from './control-packet.ts';
import { decodeAuthenticateRequest, encodeReply, PapCode } from './pap-packet.ts';

type State =
  | { readonly kind: 'idle' }
  | { readonly kind: 'wait-request'; readonly until: Millis }
  | { readonly kind: 'judged'; readonly passed: boolean };

const WELCOME = utf8Encode('Welcome');
const REFUSED = utf8Encode('Authentication failed');

export class PapServer implements Authentication {
  readonly #accounts: ServerConfig['accounts'];
  readonly #timing: PppTiming;
  #state: State = { kind: 'idle' };

  constructor(accounts: ServerConfig['accounts'], timing: PppTiming) {
    this.#accounts = accounts;
    this.#timing = timing;
  }

  get deadline(): Millis | undefined {
    return this.#state.kind === 'wait-request' ? this.#state.until : undefined;
  }

  start(now: Millis): readonly AuthenticationOutput[] {
    this.#state = { kind: 'wait-request', until: now + this.#timing.authentication };
    return [];
  }

  /** The first request decides; a repeated one gets the same answer, whatever it says. @rfc 1334 §2.2.1 */
  receive(packet: ControlPacket): readonly AuthenticationOutput[] {
    if (packet.code !== PapCode.authenticateRequest)
      return [{ kind: 'trace', layer: 'pap', event: 'unexpected-code' }];
    const { peerId, password } = decodeAuthenticateRequest(packet);
    if (this.#state.kind === 'judged') return [this.#reply(packet.id, this.#state.passed)];
    const passed = this.#check(utf8Decode(peerId), password);
    this.#state = { kind: 'judged', passed };
    const failure = { code: 'PPP_AUTH_FAILED' } as const;
    return [
      this.#reply(packet.id, passed),
      passed ? { kind: 'passed' } : { kind: 'failed', failure },
    ];
  }

  timeout(now: Millis): readonly AuthenticationOutput[] {
    if (this.#state.kind !== 'wait-request' || now < this.#state.until) return [];
    this.#state = { kind: 'idle' };
    const detail = 'the peer did not sign in (PAP)';
    return [{ kind: 'failed', failure: { code: 'PPP_NEGOTIATION_FAILED', detail } }];
  }

  #check(userName: string, password: Bytes): boolean {
    const account = this.#accounts(userName);
    return account !== undefined && constantTimeEqual(utf8Encode(account), password);
  }

  #reply(id: number, passed: boolean): AuthenticationOutput {
    const packet = passed
      ? encodeReply(PapCode.authenticateAck, id, WELCOME)
      : encodeReply(PapCode.authenticateNak, id, REFUSED);
    return { kind: 'transmit', packet };
  }
}
