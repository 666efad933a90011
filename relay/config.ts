/**
 * The relay's configuration: a JSON document, checked against `config.schema.json`, the same schema that is
 * published. What is wrong with it is said per key, in plain words; values are never repeated, since one
 * that was put there by mistake may be a secret.
 */
import { readFileSync } from 'node:fs';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';

export interface GatewayConfig {
  readonly id: string;
  readonly name: string;
  /** IPv4, dotted, or a host name. */
  readonly address: string;
  readonly addresses?: readonly string[];
  readonly ports?: { readonly ike?: number; readonly natt?: number; readonly l2tp?: number };
}

export interface RelayConfig {
  readonly listen: { readonly host: string; readonly port: number };
  /** Allows listening where others can reach the relay. */
  readonly open?: boolean;
  /** Whether the portal is served; it is without this. */
  readonly portal?: boolean;
  /** Whether the addon is used where it is there; it is without this. */
  readonly addon?: boolean;
  readonly gateways: readonly GatewayConfig[];
  readonly origins?: readonly string[];
  readonly hosts?: readonly string[];
  readonly limits?: Partial<Limits>;
}

export interface Limits {
  readonly sessions: number;
  readonly sessionsPerAddress: number;
  /** Time for a tab's first message. */
  readonly openSeconds: number;
  /** Time without a frame from the tab after which a session ends. */
  readonly idleSeconds: number;
  /** What a session may send toward its gateway, in packets of up to 1500 bytes. */
  readonly packetsPerSecond: number;
}

export const DEFAULT_LIMITS: Limits = {
  sessions: 100,
  sessionsPerAddress: 16,
  openSeconds: 5,
  idleSeconds: 900,
  // 480 Mbit/s: several times what a tab can seal.
  packetsPerSecond: 40_000,
};

/** What the relay starts with when there is no configuration. */
export const DEFAULT_CONFIG: RelayConfig = {
  listen: { host: '127.0.0.1', port: 8443 },
  gateways: [],
};

/** The document cannot be used; one line of `problems` per key, e.g. `gateways[0].address: is required`. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

/** The configuration in a JSON text. Throws `ConfigError`. */
export function parseConfig(text: string): RelayConfig {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw new ConfigError([`the document: is not valid JSON${place(text, error)}`]);
  }
  const problems = [...secrets(document, ''), ...schemaProblems(document)];
  if (problems.length === 0) problems.push(...repeatedIds(document as RelayConfig));
  if (problems.length > 0) throw new ConfigError([...new Set(problems)].slice(0, PROBLEM_LIMIT));
  return document as RelayConfig;
}

/** Most problems that are listed at once. */
const PROBLEM_LIMIT = 20;

const SECRET_NAME = /psk|passw|passphrase|secret|key|token|credential/i;

let validator: ValidateFunction | undefined;

function schemaProblems(document: unknown): string[] {
  validator ??= new Ajv({ allErrors: true, verbose: true }).compile(
    JSON.parse(readFileSync(new URL('./config.schema.json', import.meta.url), 'utf8')),
  );
  if (validator(document)) return [];
  return (validator.errors ?? []).flatMap(problem);
}

function problem(error: ErrorObject): string[] {
  const path = error.instancePath
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce(join, '');
  switch (error.keyword) {
    case 'required':
      return [`${join(path, error.params.missingProperty)}: is required`];
    case 'additionalProperties': {
      const name: string = error.params.additionalProperty;
      return SECRET_NAME.test(name) ? [] : [`${join(path, name)}: is not a known key`];
    }
    default:
      return [`${path || 'the document'}: must be ${error.parentSchema?.title}`];
  }
}

/** One line for every key, at any depth, that looks as if it held a secret. */
function secrets(value: unknown, path: string): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const at = join(path, key);
    if (Array.isArray(value) || !SECRET_NAME.test(key)) return secrets(inner, at);
    return [
      `${at}: secrets do not belong in this file; they are typed in the browser tab and never reach the relay`,
    ];
  });
}

function repeatedIds(config: RelayConfig): string[] {
  const seen = new Set<string>();
  return config.gateways.flatMap(({ id }, index) => {
    if (seen.has(id)) return [`gateways[${index}].id: is used by another gateway already`];
    seen.add(id);
    return [];
  });
}

function join(path: string, step: string): string {
  if (/^\d+$/.test(step)) return `${path}[${step}]`;
  return path === '' ? step : `${path}.${step}`;
}

/** Where the JSON breaks, without the excerpt that the engine's own message carries. */
function place(text: string, error: unknown): string {
  const position = /position (\d+)/.exec(String(error))?.[1];
  if (position === undefined) return '';
  const before = text.slice(0, Number(position)).split('\n');
  return ` (line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1})`;
}
