/** How long an SA lives: in time, in bytes, or both; and when within that it is replaced. RFC 2407 §4.5, RFC 2409 appendix A. */
import { type Attribute, attributeNumber } from '../isakmp/attribute.ts';
import { LifeType } from '../isakmp/numbers.ts';
import type { Millis, Random } from '../wire/bytes.ts';

/** What is left out has no limit. */
export interface Lifetime {
  readonly seconds?: number;
  /** Of 1,024 bytes. */
  readonly kilobytes?: number;
}

/** 7 days: longer promises are not waited for. */
const LONGEST_SECONDS = 604_800;

/** Shorter ones would leave no time for an exchange within them: a peer that means it ends the SA itself. */
const SHORTEST_SECONDS = 5;
const SHORTEST_KILOBYTES = 1_024;

/** Numbers of the two attributes, which differ between the phases. */
export interface LifetimeAttributes {
  readonly lifeType: number;
  readonly lifeDuration: number;
}

/** The shortest of each unit among the type-and-duration pairs. @rfc 2407 §4.5 */
export function readLifetime(
  attributes: readonly Attribute[],
  { lifeType, lifeDuration }: LifetimeAttributes,
): Lifetime {
  let unit: number | undefined;
  let lifetime: Lifetime = {};
  for (const attribute of attributes) {
    const value = attributeNumber(attribute);
    if (attribute.type === lifeType) unit = value;
    if (attribute.type !== lifeDuration || value === undefined || value === 0) continue;
    if (unit === LifeType.seconds) lifetime = shorter(lifetime, { seconds: value });
    if (unit === LifeType.kilobytes) lifetime = shorter(lifetime, { kilobytes: value });
  }
  return lifetime;
}

/** The pairs, in an order that every gateway is known to take: type, then duration. @rfc 2407 §4.5 */
export function lifetimeAttributes(
  { seconds, kilobytes }: Lifetime,
  { lifeType, lifeDuration }: LifetimeAttributes,
): readonly Attribute[] {
  const pair = (unit: number, value: number | undefined): readonly Attribute[] =>
    value === undefined
      ? []
      : [{ kind: 'basic', type: lifeType, value: unit }, duration(lifeDuration, value)];
  return [...pair(LifeType.seconds, seconds), ...pair(LifeType.kilobytes, kilobytes)];
}

/** The shorter of both, unit by unit. */
export function shorter(a: Lifetime, b: Lifetime): Lifetime {
  const least = (x: number | undefined, y: number | undefined): number | undefined =>
    x === undefined || y === undefined ? (x ?? y) : Math.min(x, y);
  const seconds = least(a.seconds, b.seconds);
  const kilobytes = least(a.kilobytes, b.kilobytes);
  return {
    ...(seconds === undefined ? {} : { seconds }),
    ...(kilobytes === undefined ? {} : { kilobytes }),
  };
}

/** Whether `a` ends sooner than `b` by any unit. */
export function isShorter(a: Lifetime, b: Lifetime): boolean {
  return (
    (a.seconds ?? Infinity) < (b.seconds ?? Infinity) ||
    (a.kilobytes ?? Infinity) < (b.kilobytes ?? Infinity)
  );
}

/** When an SA is to be replaced, and when it ends. */
export interface Expiry {
  readonly softAt: Millis;
  readonly hardAt: Millis;
  readonly softOctets: number;
  readonly hardOctets: number;
}

interface Share {
  readonly from: number;
  readonly to: number;
  /** What is left at the end in any case: seconds, and of a short lifetime no more than `most` of it. */
  readonly least: number;
  readonly most: number;
}

/**
 * Where within a lifetime, drawn at random, replacing begins: who began an SA is first to renew it … What is left of a lifetime below
 * 300 s would be less than an exchange takes whose messages wait behind data, or are lost and sent again.
 */
const OURS: Share = { from: 0.8, to: 0.9, least: 30, most: 0.5 };

/** … and who answered only sees to it where that has not happened. */
const THEIRS: Share = { from: 0.91, to: 0.95, least: 15, most: 0.25 };

/** The expiry of an SA that stands from `now` on. The draw keeps both ends, and many sessions of one gateway, from beginning at once. */
export function expiry(
  lifetime: Lifetime,
  initiatedBy: 'us' | 'peer',
  random: Random,
  now: Millis,
): Expiry {
  const seconds = clamp(lifetime.seconds ?? LONGEST_SECONDS, SHORTEST_SECONDS, LONGEST_SECONDS);
  const octets = Math.max(lifetime.kilobytes ?? Infinity, SHORTEST_KILOBYTES) * 1024;
  const { from, to, least, most } = initiatedBy === 'us' ? OURS : THEIRS;
  const [high, low] = random.bytes(2);
  const share = from + ((to - from) * ((high! << 8) | low!)) / 65_536;
  const sooner = Math.max(0, Math.min(least, most * seconds) - (1 - to) * seconds);
  return {
    softAt: now + Math.floor(1000 * (seconds * share - sooner)),
    hardAt: now + seconds * 1000,
    softOctets: octets * share,
    hardOctets: octets,
  };
}

function duration(type: number, value: number): Attribute {
  if (value <= 0xffff) return { kind: 'basic', type, value };
  const bytes = Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
  return { kind: 'variable', type, value: bytes };
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
