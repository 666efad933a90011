/** Why an algorithm agreed on counts as weak, in words for someone who did not choose it. */

const REASONS: readonly (readonly [pattern: RegExp, reason: string])[] = [
  [/3DES/i, 'works on 64-bit blocks, which leak when much data passes under one key'],
  [/\bDES\b/i, 'has keys so short that they can be searched completely'],
  [/^CHAP-MD5/i, 'leaves unproven whether the gateway knows the password'],
  [/MD5/i, 'is a broken hash and no longer advised, even where it still holds'],
  [/SHA-?1\b/i, 'is an old hash that is being retired'],
  [/MODP-?(768|1024)\b/i, 'is a key exchange small enough for a wealthy attacker to break'],
  [/MODP-?1536\b/i, 'is a key exchange below today’s recommended strength'],
  [/^aggressive mode/, 'lets whoever reads along try guesses against the pre-shared key'],
  [/^XAUTH/, 'hands its password to whoever knows the pre-shared key'],
  [/PAP\b/i, 'hands the password itself to the gateway'],
  [/MS-?CHAP/i, 'builds on DES and MD4'],
];

/** One sentence about a weak algorithm. */
export function weakReason(name: string): string {
  const reason = REASONS.find(([pattern]) => pattern.test(name))?.[1];
  return `${name} ${reason ?? 'is advised against by RFC 8221 or RFC 8247'}.`;
}

export interface AlgorithmPart {
  readonly text: string;
  readonly weak: boolean;
}

/** `AES-CBC-256, MODP-1024` cut at its commas, each part marked when it is among `weak`. */
export function algorithmParts(list: string, weak: readonly string[]): readonly AlgorithmPart[] {
  return list.split(', ').map((text) => ({ text, weak: weak.includes(text) }));
}
