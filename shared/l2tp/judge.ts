/**
 * Whether a control message is acceptable, as the state tables of RFC 2661 §7 ask.
 *
 * Deviation: of the AVPs that §6 calls required, only those are whose absence leaves us unable to go on; a
 * gateway that forgets its framing capabilities is not sent away.
 */
import type { Bytes } from '../wire/bytes.ts';
import { findAvp, type UnknownAvp } from './avp.ts';
import type { Message } from './message.ts';
import { type MessageName, PROTOCOL_VERSION } from './numbers.ts';
import {
  notAuthorized,
  outOfRange,
  type Refusal,
  unknownAvp,
  unsupportedVersion,
} from './refusal.ts';
import type { SharedSecret } from './secret.ts';

/** What tunnel authentication needs to know; `challenge` is the one we send. */
export interface Authentication {
  readonly secret: SharedSecret;
  readonly challenge: Bytes;
}

/** `undefined` when the message is acceptable. */
export function judge(
  name: MessageName,
  message: Message,
  authentication: Authentication | undefined,
): Refusal | undefined {
  // Deviation: WEN and SLI tell nothing we need, and arrive with AVPs of wrong length: never a reason to part.
  if (name === 'WEN' || name === 'SLI') return undefined;
  const strange = message.avps.find((avp) => avp.kind === 'unknown' && avp.mandatory);
  if (strange?.kind === 'unknown') return unknownAvp(describeAvp(name, strange));
  switch (name) {
    case 'SCCRQ':
      return judgeStart(name, message, authentication);
    case 'SCCRP':
      return judgeStart(name, message, authentication) ?? judgeProof(message, authentication);
    case 'SCCCN':
      return judgeProof(message, authentication);
    case 'ICRQ':
    case 'ICRP':
      return findAvp(message.avps, 'assignedSessionId') === undefined
        ? outOfRange(`no session id in ${name}`)
        : undefined;
    default:
      return undefined;
  }
}

/** @rfc 2661 §7.2.1 */
function judgeStart(
  name: MessageName,
  { avps }: Message,
  authentication: Authentication | undefined,
): Refusal | undefined {
  const { version } = findAvp(avps, 'protocolVersion') ?? { version: PROTOCOL_VERSION };
  if (version !== PROTOCOL_VERSION) return unsupportedVersion(`protocol version ${version}`);
  if (findAvp(avps, 'assignedTunnelId') === undefined) return outOfRange(`no tunnel id in ${name}`);
  if (findAvp(avps, 'challenge') !== undefined && authentication === undefined) {
    return notAuthorized('a tunnel secret is asked for, and none is configured');
  }
  return undefined;
}

/** @rfc 2661 §5.1.1 */
function judgeProof(
  { type, avps }: Message,
  authentication: Authentication | undefined,
): Refusal | undefined {
  if (authentication === undefined) return undefined;
  const { secret, challenge } = authentication;
  const response = findAvp(avps, 'challengeResponse');
  return response !== undefined && secret.verify(type, challenge, response)
    ? undefined
    : notAuthorized('the other side did not prove that it knows the tunnel secret');
}

/** The Error Message names the offending AVP. @rfc 2661 §4.4.2 */
function describeAvp(name: MessageName, { code, vendor, hidden }: UnknownAvp): string {
  const whose = vendor === 0 ? '' : ` of vendor ${vendor}`;
  return `mandatory AVP ${code}${whose} in ${name} is ${hidden ? 'hidden' : 'not understood'}`;
}
