/** Lets a peer sign in with CHAP, by MD5 or MS-CHAPv2. RFC 1994, RFC 2759. */
import type { Primitives } from '../crypto/suite.ts';
import { type Bytes, constantTimeEqual, type Millis, type Random } from '../wire/bytes.ts';
import { utf8Decode, utf8Encode } from '../wire/text.ts';
import type { Authentication, AuthenticationOutput } from './authentication.ts';
import { ChapCode, decodeChapValue, decodeMsChapResponse, encodeChapValue } from './chap-packet.ts';
import type { PppTiming, ServerConfig } from './config.ts';
import type { ControlPacket } from './control-packet.ts';
import {
  authenticatorResponse,
  CHALLENGE_LENGTH,
  formatFailure,
  formatSuccess,
  MsChapError,
  ntResponse,
} from './mschapv2.ts';

type Digest = 'chap-md5' | 'mschapv2';

interface Sources {
  readonly random: Random;
  readonly primitives: Pick<Primitives, 'hash'>;
}

type State =
  | { readonly kind: 'idle' }
  | {
      readonly kind: 'wait-response';
      readonly challenge: ControlPacket;
      readonly value: Bytes;
      readonly tries: number;
      readonly resendAt: Millis;
    }
  /** `verdict` answers every copy of the response. */
  | { readonly kind: 'judged'; readonly verdict: ControlPacket };

const WELCOME = 'Welcome';
const REFUSED = 'Authentication failed';

export class ChapServer implements Authentication {
  readonly #digest: Digest;
  readonly #server: ServerConfig;
  readonly #sources: Sources;
  readonly #timing: PppTiming;
  #state: State = { kind: 'idle' };

  constructor(digest: Digest, server: ServerConfig, sources: Sources, timing: PppTiming) {
    this.#digest = digest;
    this.#server = server;
    this.#sources = sources;
    this.#timing = timing;
  }

  get deadline(): Millis | undefined {
    return this.#state.kind === 'wait-response' ? this.#state.resendAt : undefined;
  }

  start(now: Millis): readonly AuthenticationOutput[] {
    const value = this.#sources.random.bytes(CHALLENGE_LENGTH);
    const id = this.#sources.random.bytes(1)[0]!;
    const name = utf8Encode(this.#server.hostName);
    const challenge = encodeChapValue(ChapCode.challenge, id, { value, name });
    const resendAt = now + this.#timing.restart;
    this.#state = { kind: 'wait-response', challenge, value, tries: 1, resendAt };
    return [{ kind: 'transmit', packet: challenge }];
  }

  /** The first response decides; a copy of it gets the same verdict. @rfc 1994 §4.2 */
  receive(packet: ControlPacket): readonly AuthenticationOutput[] {
    const state = this.#state;
    if (packet.code !== ChapCode.response) return [trace('unexpected-code')];
    if (state.kind === 'idle') return [trace('too-early')];
    if (state.kind === 'judged') {
      return packet.id === state.verdict.id
        ? [{ kind: 'transmit', packet: state.verdict }]
        : [trace('stale-reply')];
    }
    if (packet.id !== state.challenge.id) return [trace('stale-reply')];
    const { value, name } = decodeChapValue(packet);
    const userName = utf8Decode(name);
    const password = this.#server.accounts(userName);
    const success =
      this.#digest === 'mschapv2'
        ? this.#checkMsChap(value, state.value, userName, password)
        : this.#checkMd5(packet.id, value, state.value, password);
    const verdict = this.#verdict(packet.id, success);
    this.#state = { kind: 'judged', verdict };
    const failure = { code: 'PPP_AUTH_FAILED' } as const;
    return [
      { kind: 'transmit', packet: verdict },
      success === undefined ? { kind: 'failed', failure } : { kind: 'passed' },
    ];
  }

  timeout(now: Millis): readonly AuthenticationOutput[] {
    const state = this.#state;
    if (state.kind !== 'wait-response' || now < state.resendAt) return [];
    if (state.tries >= this.#timing.maxConfigure) {
      this.#state = { kind: 'idle' };
      const detail = 'the peer does not answer (CHAP)';
      return [{ kind: 'failed', failure: { code: 'PPP_NEGOTIATION_FAILED', detail } }];
    }
    const resendAt = now + this.#timing.restart;
    this.#state = { ...state, tries: state.tries + 1, resendAt };
    return [{ kind: 'transmit', packet: state.challenge }];
  }

  /** The message of a Success; `undefined` when the response is wrong. @rfc 1994 §4.1 */
  #checkMd5(
    id: number,
    value: Bytes,
    challenge: Bytes,
    password: string | undefined,
  ): string | undefined {
    const secret = utf8Encode(password ?? '');
    const hash = this.#sources.primitives.hash('md5', Uint8Array.of(id), secret, challenge);
    return constantTimeEqual(hash, value) && password !== undefined ? WELCOME : undefined;
  }

  /** As `#checkMd5`. @rfc 2759 §5 */
  #checkMsChap(
    value: Bytes,
    authenticatorChallenge: Bytes,
    userName: string,
    password: string | undefined,
  ): string | undefined {
    const { peerChallenge, ntResponse: received } = decodeMsChapResponse(value);
    const exchange = { userName, password: password ?? '', authenticatorChallenge, peerChallenge };
    const expected = ntResponse(exchange, this.#sources.primitives);
    if (!constantTimeEqual(expected, received) || password === undefined) return undefined;
    const response = authenticatorResponse(exchange, expected, this.#sources.primitives);
    return formatSuccess({ response, text: WELCOME });
  }

  #verdict(id: number, success: string | undefined): ControlPacket {
    if (success !== undefined) return { code: ChapCode.success, id, body: utf8Encode(success) };
    const challenge = this.#sources.random.bytes(CHALLENGE_LENGTH);
    const message =
      this.#digest === 'mschapv2'
        ? formatFailure(MsChapError.authenticationFailure, challenge, REFUSED)
        : REFUSED;
    return { code: ChapCode.failure, id, body: utf8Encode(message) };
  }
}

function trace(event: string): AuthenticationOutput {
  return { kind: 'trace', layer: 'chap', event };
}
