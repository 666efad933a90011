/**
 * MS-CHAPv2: hashes, and the text in its Success and Failure messages.
 * RFC 2759 §5, §6, §8. Left out: the Change-Password packet (§7) and the keys for MPPE (RFC 3079).
 */
import type { Primitives } from '../crypto/suite.ts';
import { type Bytes, concat, constantTimeEqual, fromHex, toHex } from '../wire/bytes.ts';
import { utf8Encode, utf16Encode } from '../wire/text.ts';
import { desEncrypt } from './des.ts';
import { md4 } from './md4.ts';

export const CHALLENGE_LENGTH = 16;

const AUTHENTICATOR_RESPONSE_LENGTH = 20;
const MAGIC_1 = utf8Encode('Magic server to client signing constant');
const MAGIC_2 = utf8Encode('Pad to make it do more than one iteration');

/** What both ends know before the response is computed. */
interface Exchange {
  /** As sent, with a domain if it has one. */
  readonly userName: string;
  readonly password: string;
  /** 16 bytes. */
  readonly authenticatorChallenge: Bytes;
  /** 16 bytes. */
  readonly peerChallenge: Bytes;
}

/** The 24-byte NT-Response. @rfc 2759 §8.1 */
export function ntResponse(exchange: Exchange, primitives: Pick<Primitives, 'hash'>): Bytes {
  const challenge = challengeHash(exchange, primitives);
  const key = new Uint8Array(21);
  key.set(passwordHash(exchange.password));
  return concat(...[0, 7, 14].map((at) => desEncrypt(key.slice(at, at + 7), challenge)));
}

/** The 20-byte authenticator response, before it is written as text. @rfc 2759 §8.7 */
export function authenticatorResponse(
  exchange: Exchange,
  response: Bytes,
  primitives: Pick<Primitives, 'hash'>,
): Bytes {
  const hashHash = md4(passwordHash(exchange.password));
  const digest = primitives.hash('sha1', hashHash, response, MAGIC_1);
  return primitives.hash('sha1', digest, challengeHash(exchange, primitives), MAGIC_2);
}

/** The 16-byte hash of the password as UTF-16. @rfc 2759 §8.3 */
export function passwordHash(password: string): Bytes {
  return md4(utf16Encode(password));
}

/** 8 bytes. The user name goes in without its Windows domain; `user@domain` is a name. @rfc 2759 §8.2 */
export function challengeHash(exchange: Exchange, primitives: Pick<Primitives, 'hash'>): Bytes {
  const { userName, authenticatorChallenge, peerChallenge } = exchange;
  const account = utf8Encode(userName.slice(userName.lastIndexOf('\\') + 1));
  return primitives.hash('sha1', peerChallenge, authenticatorChallenge, account).slice(0, 8);
}

interface SuccessMessage {
  /** 20 bytes. */
  readonly response: Bytes;
  readonly text: string;
}

/** `S=` and 40 digits, then perhaps ` M=` and text; `undefined` without the former. @rfc 2759 §5 */
export function parseSuccess(message: string): SuccessMessage | undefined {
  // Deviation: the digits must be upper case; lower case is harmless and accepted.
  const match = /^S=([0-9A-Fa-f]{40})(?:\s*M=(.*))?/s.exec(message);
  return (match?.[1] && { response: fromHex(match[1]), text: match[2] ?? '' }) || undefined;
}

export function formatSuccess({ response, text }: SuccessMessage): string {
  return `S=${toHex(response).toUpperCase()} M=${text}`;
}

/** Constant in time over responses of equal length. @rfc 2759 §8.8 */
export function isAuthentic(message: SuccessMessage | undefined, expected: Bytes): boolean {
  const none = new Uint8Array(AUTHENTICATOR_RESPONSE_LENGTH);
  return constantTimeEqual(message?.response ?? none, expected) && message !== undefined;
}

interface FailureMessage {
  /** A code of `MsChapError`, or another. */
  readonly error: number;
  readonly retry: boolean;
  /** For the next attempt; 16 bytes. */
  readonly challenge?: Bytes;
  /** Of the protocol for changing the password. */
  readonly version?: number;
  readonly text: string;
}

/** @rfc 2759 §6 */
export const MsChapError = {
  restrictedLogonHours: 646,
  accountDisabled: 647,
  passwordExpired: 648,
  noDialinPermission: 649,
  authenticationFailure: 691,
  changingPassword: 709,
} as const;

/** Takes fields in any order and does without any but `E=`; `undefined` without that. @rfc 2759 §6 */
export function parseFailure(message: string): FailureMessage | undefined {
  const textAt = message.search(/(?:^|\s)M=/);
  const fields = textAt < 0 ? message : message.slice(0, textAt);
  const text = textAt < 0 ? '' : message.slice(message.indexOf('M=', textAt) + 2);
  const error = field(fields, 'E', '\\d{1,10}');
  if (error === undefined) return undefined;
  const challenge = field(fields, 'C', '[0-9A-Fa-f]{32}');
  const version = field(fields, 'V', '\\d{1,10}');
  return {
    error: Number(error),
    retry: field(fields, 'R', '\\d') === '1',
    ...(challenge !== undefined && { challenge: fromHex(challenge) }),
    ...(version !== undefined && { version: Number(version) }),
    text,
  };
}

export function formatFailure(error: number, challenge: Bytes, text: string): string {
  return `E=${error} R=0 C=${toHex(challenge).toUpperCase()} V=3 M=${text}`;
}

function field(fields: string, name: string, pattern: string): string | undefined {
  return new RegExp(`(?:^|\\s)${name}=(${pattern})(?:\\s|$)`).exec(fields)?.[1];
}
