/** Signs in with PAP. RFC 1334 §2. */
import { plainText } from '../errors.ts';
import type { Millis } from '../wire/bytes.ts';
import { earliest } from '../wire/machine.ts';
import { utf8Decode, utf8Encode } from '../wire/text.ts';
import type { Authentication, AuthenticationOutput } from './authentication.ts';
import type { Credentials, PppTiming } from './config.ts';
import type { ControlPacket } from './control-packet.ts';
import { decodeReplyMessage, encodeAuthenticateRequest, PapCode } from './pap-packet.ts';

type State =
  | {
      readonly kind: 'wait-reply';
      readonly request: ControlPacket;
      readonly until: Millis;
      /** Each repetition waits twice as long: one may make a telephone ring for a second factor. */
      readonly wait: Millis;
      readonly resendAt: Millis;
    }
  | { readonly kind: 'idle' };

export class PapClient implements Authentication {
  readonly #credentials: Credentials;
  readonly #timing: PppTiming;
  #state: State = { kind: 'idle' };

  constructor(credentials: Credentials, timing: PppTiming) {
    this.#credentials = credentials;
    this.#timing = timing;
  }

  get deadline(): Millis | undefined {
    if (this.#state.kind === 'idle') return undefined;
    return earliest(this.#state.until, this.#state.resendAt);
  }

  start(now: Millis): readonly AuthenticationOutput[] {
    const { userName, password } = this.#credentials;
    const { restart, authentication } = this.#timing;
    const packet = encodeAuthenticateRequest(1, {
      peerId: utf8Encode(userName),
      password: utf8Encode(password),
    });
    this.#state = {
      kind: 'wait-reply',
      request: packet,
      until: now + authentication,
      wait: restart,
      resendAt: now + restart,
    };
    return [{ kind: 'transmit', packet }];
  }

  receive(packet: ControlPacket): readonly AuthenticationOutput[] {
    const state = this.#state;
    if (state.kind !== 'wait-reply' || packet.id !== state.request.id)
      return [{ kind: 'trace', layer: 'pap', event: 'stale-reply' }];
    const message = plainText(utf8Decode(decodeReplyMessage(packet)));
    const detail = message === '' ? {} : { detail: message };
    switch (packet.code) {
      case PapCode.authenticateAck:
        this.#state = { kind: 'idle' };
        return [{ kind: 'passed', ...(message !== '' && { message }) }];
      case PapCode.authenticateNak:
        this.#state = { kind: 'idle' };
        return [{ kind: 'failed', failure: { code: 'PPP_AUTH_FAILED', ...detail } }];
      default:
        return [{ kind: 'trace', layer: 'pap', event: 'unexpected-code' }];
    }
  }

  timeout(now: Millis): readonly AuthenticationOutput[] {
    const state = this.#state;
    if (state.kind === 'idle') return [];
    if (now >= state.until) {
      this.#state = { kind: 'idle' };
      const detail = 'the peer does not answer (PAP)';
      return [{ kind: 'failed', failure: { code: 'PPP_NEGOTIATION_FAILED', detail } }];
    }
    if (now < state.resendAt) return [];
    const wait = 2 * state.wait;
    this.#state = { ...state, wait, resendAt: now + wait };
    return [{ kind: 'transmit', packet: state.request }];
  }
}
