/**
 * Signs in with CHAP, by MD5 or MS-CHAPv2.
 * RFC 1994, RFC 2759. Left out: a second attempt after a refusal that allows one (`R=1`); the tunnel is
 * dialled again instead.
 */
import type { Primitives } from '../crypto/suite.ts';
import { type Failure, plainText } from '../errors.ts';
import type { Bytes, Millis, Random } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import { earliest } from '../wire/machine.ts';
import { utf8Decode, utf8Encode } from '../wire/text.ts';
import type { Authentication, AuthenticationOutput } from './authentication.ts';
import { ChapCode, decodeChapValue, encodeChapValue, encodeMsChapResponse } from './chap-packet.ts';
import type { Credentials, PppTiming } from './config.ts';
import { sameBytes } from './config-option.ts';
import type { ControlPacket } from './control-packet.ts';
import {
  authenticatorResponse,
  CHALLENGE_LENGTH,
  isAuthentic,
  MsChapError,
  ntResponse,
  parseFailure,
  parseSuccess,
} from './mschapv2.ts';

type Digest = 'chap-md5' | 'mschapv2';

interface Sources {
  readonly random: Random;
  readonly primitives: Pick<Primitives, 'hash'>;
}

/** The last challenge and what we said to it. */
interface Answered {
  readonly challenge: Bytes;
  readonly response: ControlPacket;
  /** What the authenticator must prove to know; MS-CHAPv2 only. */
  readonly expected?: Bytes;
}

type State =
  | { readonly kind: 'idle' }
  | { readonly kind: 'wait-challenge'; readonly until: Millis }
  | {
      readonly kind: 'wait-verdict';
      readonly answered: Answered;
      readonly until: Millis;
      /** Each repetition waits twice as long: one may make a telephone ring for a second factor. */
      readonly wait: Millis;
      readonly resendAt: Millis;
    }
  /** A later challenge is answered all the same, without waiting for anything. */
  | { readonly kind: 'passed'; readonly answered: Answered };

export class ChapClient implements Authentication {
  readonly #digest: Digest;
  readonly #credentials: Credentials;
  readonly #sources: Sources;
  readonly #timing: PppTiming;
  #state: State = { kind: 'idle' };

  constructor(digest: Digest, credentials: Credentials, sources: Sources, timing: PppTiming) {
    this.#digest = digest;
    this.#credentials = credentials;
    this.#sources = sources;
    this.#timing = timing;
  }

  get deadline(): Millis | undefined {
    const state = this.#state;
    if (state.kind === 'wait-challenge') return state.until;
    if (state.kind === 'wait-verdict') return earliest(state.until, state.resendAt);
    return undefined;
  }

  start(now: Millis): readonly AuthenticationOutput[] {
    this.#state = { kind: 'wait-challenge', until: now + this.#timing.authentication };
    return [];
  }

  receive(packet: ControlPacket, now: Millis): readonly AuthenticationOutput[] {
    if (this.#state.kind === 'idle') return [trace('too-early')];
    if (packet.code === ChapCode.challenge) return this.#answer(packet, now);
    if (packet.code !== ChapCode.success && packet.code !== ChapCode.failure)
      return [trace('unexpected-code')];
    const answered = this.#state.kind === 'wait-challenge' ? undefined : this.#state.answered;
    if (answered === undefined || answered.response.id !== packet.id) return [trace('stale-reply')];
    const message = utf8Decode(packet.body);
    return packet.code === ChapCode.success
      ? this.#succeed(message, answered)
      : this.#fail(refusal(message, this.#digest));
  }

  timeout(now: Millis): readonly AuthenticationOutput[] {
    const state = this.#state;
    if (state.kind !== 'wait-challenge' && state.kind !== 'wait-verdict') return [];
    if (now >= state.until) {
      const detail = 'the peer does not answer (CHAP)';
      return this.#fail({ code: 'PPP_NEGOTIATION_FAILED', detail });
    }
    if (state.kind === 'wait-challenge' || now < state.resendAt) return [];
    const wait = 2 * state.wait;
    this.#state = { ...state, wait, resendAt: now + wait };
    return [{ kind: 'transmit', packet: state.answered.response }];
  }

  /** Every Challenge gets a Response; a copy of one gets a copy of the other. @rfc 1994 §4.1 */
  #answer(packet: ControlPacket, now: Millis): readonly AuthenticationOutput[] {
    const { value } = decodeChapValue(packet);
    const state = this.#state;
    const last =
      state.kind === 'wait-verdict' || state.kind === 'passed' ? state.answered : undefined;
    if (last?.response.id === packet.id && sameBytes(last.challenge, value))
      return [{ kind: 'transmit', packet: last.response }];
    const answered =
      this.#digest === 'mschapv2'
        ? this.#respondMsChap(packet.id, value)
        : this.#respondMd5(packet.id, value);
    const { restart, authentication } = this.#timing;
    this.#state =
      state.kind === 'passed'
        ? { kind: 'passed', answered }
        : {
            kind: 'wait-verdict',
            answered,
            until: now + authentication,
            wait: restart,
            resendAt: now + restart,
          };
    return [{ kind: 'transmit', packet: answered.response }];
  }

  /** @rfc 1994 §4.1 */
  #respondMd5(id: number, challenge: Bytes): Answered {
    const secret = utf8Encode(this.#credentials.password);
    const value = this.#sources.primitives.hash('md5', Uint8Array.of(id), secret, challenge);
    return { challenge, response: this.#response(id, value) };
  }

  /** @rfc 2759 §4 */
  #respondMsChap(id: number, challenge: Bytes): Answered {
    if (challenge.length !== CHALLENGE_LENGTH) throw new DecodeError('challenge is not 16 bytes');
    const { random, primitives } = this.#sources;
    const exchange = {
      ...this.#credentials,
      authenticatorChallenge: challenge,
      peerChallenge: random.bytes(CHALLENGE_LENGTH),
    };
    const response = ntResponse(exchange, primitives);
    const value = encodeMsChapResponse({
      peerChallenge: exchange.peerChallenge,
      ntResponse: response,
    });
    const expected = authenticatorResponse(exchange, response, primitives);
    return { challenge, response: this.#response(id, value), expected };
  }

  #response(id: number, value: Bytes): ControlPacket {
    const name = utf8Encode(this.#credentials.userName);
    return encodeChapValue(ChapCode.response, id, { value, name });
  }

  /** A peer that cannot prove itself gets nothing further from us. @rfc 2759 §5 */
  #succeed(message: string, answered: Answered): readonly AuthenticationOutput[] {
    let text = message;
    if (answered.expected !== undefined) {
      const success = parseSuccess(message);
      if (!isAuthentic(success, answered.expected))
        return this.#fail({ code: 'PPP_PEER_NOT_AUTHENTIC' });
      text = success?.text ?? '';
    }
    const first = this.#state.kind !== 'passed';
    this.#state = { kind: 'passed', answered };
    if (!first) return [trace('proved-again')];
    const shown = plainText(text);
    return [{ kind: 'passed', ...(shown !== '' && { message: shown }) }];
  }

  #fail(failure: Failure): readonly AuthenticationOutput[] {
    this.#state = { kind: 'idle' };
    return [{ kind: 'failed', failure }];
  }
}

const ERROR_TEXT: Readonly<Record<number, string>> = {
  [MsChapError.restrictedLogonHours]: 'signing in is not allowed at this hour',
  [MsChapError.accountDisabled]: 'the account is disabled',
  [MsChapError.passwordExpired]: 'the password has expired',
  [MsChapError.noDialinPermission]: 'the account may not dial in',
  [MsChapError.changingPassword]: 'the password could not be changed',
};

/** The peer's words if it has any, else what its number means. @rfc 2759 §6 */
function refusal(message: string, digest: Digest): Failure {
  const parsed = digest === 'mschapv2' ? parseFailure(message) : undefined;
  const words = plainText(parsed === undefined ? message : parsed.text);
  const meaning = parsed === undefined ? undefined : ERROR_TEXT[parsed.error];
  const detail = [meaning, words].filter((part) => part !== undefined && part !== '').join(': ');
  const expired = parsed?.error === MsChapError.passwordExpired;
  const code = expired ? 'PPP_PASSWORD_EXPIRED' : 'PPP_AUTH_FAILED';
  return detail === '' ? { code } : { code, detail };
}

function trace(event: string): AuthenticationOutput {
  return { kind: 'trace', layer: 'chap', event };
}
