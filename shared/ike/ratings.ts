/**
 * What RFC 8221 (ESP) and RFC 8247 (IKEv2, the nearest there is to a word on IKEv1's algorithms) say of those that are known here,
 * by the names that `describePhase1` and `describePhase2` give them.
 */

export type Rating = 'MUST' | 'SHOULD+' | 'SHOULD' | 'MUST-' | 'MAY' | 'SHOULD NOT' | 'MUST NOT';

/**
 * Key lengths of 128 and 256 bits have these; AES with 192 bits is left at MAY, as is what the RFCs do not mention.
 * @rfc 8221 §5
 * @rfc 8221 §6
 */
const ESP: Readonly<Record<string, Rating>> = {
  'AES-GCM-16-256': 'MUST',
  'AES-GCM-16-128': 'MUST',
  'AES-CBC-256': 'MUST',
  'AES-CBC-128': 'MUST',
  '3DES-CBC': 'SHOULD NOT',
  'HMAC-SHA2-256-128': 'MUST',
  'HMAC-SHA2-512-256': 'SHOULD',
  'HMAC-SHA1-96': 'MUST-',
  'HMAC-MD5-96': 'MUST NOT',
};

/**
 * @rfc 8247 §2.1
 * @rfc 8247 §2.2
 * @rfc 8247 §2.4
 */
const IKE: Readonly<Record<string, Rating>> = {
  'AES-CBC-256': 'MUST',
  'AES-CBC-128': 'MUST',
  'SHA2-256': 'MUST',
  'SHA2-512': 'SHOULD+',
  SHA1: 'MUST-',
  MD5: 'MUST NOT',
  'MODP-2048': 'MUST',
  'ECP-256': 'SHOULD',
  'MODP-1536': 'SHOULD NOT',
  'MODP-1024': 'SHOULD NOT',
};

export function espRating(name: string): Rating {
  return ESP[name] ?? 'MAY';
}

export function ikeRating(name: string): Rating {
  return IKE[name] ?? 'MAY';
}

/**
 * Whether a gateway should be weaned from it. 3DES counts in IKE as well, though RFC 8247 still lets it be: its blocks are as
 * short there.
 */
export function isAdvisedAgainst(name: string): boolean {
  return espRating(name).endsWith('NOT') || ikeRating(name).endsWith('NOT');
}
