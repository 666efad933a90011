/** The command line of `dial`. */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { TunnelError } from '../shared/errors.ts';
import type { KeySignIn } from '../shared/ike/key-credentials.ts';
import {
  describePhase1,
  PHASE1_TRANSFORMS,
  type Phase1Transform,
} from '../shared/ike/phase1-transforms.ts';
import {
  describePhase2,
  type EspSettings,
  PHASE2_TRANSFORMS,
} from '../shared/ike/phase2-transforms.ts';
import {
  AGGRESSIVE_GROUPS,
  type AggressiveGroup,
  type WeakSignIn,
} from '../shared/ike/weak-sign-in.ts';
import type { RecordType } from '../shared/ip/dns-message.ts';

/** How both ends prove who they are in IKE. */
export type SignInMethod =
  | { readonly kind: 'pre-shared-key'; readonly preSharedKey: string }
  | ({ readonly kind: 'key' } & KeySignIn);

export interface Options {
  readonly relay: string;
  readonly gateway: string;
  readonly user: string;
  readonly password: string;
  readonly method: SignInMethod;
  readonly innerPort: number | undefined;
  readonly allowPap: boolean;
  readonly forceEncapsulation: boolean;
  /** What is offered, in seconds. */
  readonly ikeLifetime: number | undefined;
  readonly espLifetime: number | undefined;
  /** What IKE offers, where it is not everything. */
  readonly phase1: readonly Phase1Transform[] | undefined;
  readonly esp: EspSettings;
  /** Aggressive mode and XAUTH. */
  readonly weak: WeakSignIn;
  /** Whether the command waits until there is an IPv6 address. */
  readonly ipv6: boolean;
  /** Domains in which a name without a dot is looked for. */
  readonly searchList: readonly string[];
  readonly command: Command;
  /** Host, name or URL; empty with `hold`. */
  readonly target: string;
  /** What `lookup` asks for. */
  readonly recordType: RecordType;
}

const COMMANDS = ['ping', 'traceroute', 'lookup', 'get', 'hold'] as const;
export type Command = (typeof COMMANDS)[number];

type Values = ReturnType<typeof parse>['values'];

/** From the least that leaves time for an exchange to a week. */
const LIFETIMES = [10, 604_800] as const;

const RECORD_TYPES = ['A', 'AAAA', 'CNAME', 'SRV', 'PTR', 'TXT'] as const;

export const USAGE = `usage: npm run -s dial -- --relay ws://HOST:PORT --gateway ID --user NAME
         [--password-file F] [--psk-file F] [--inner-port N] [--allow-pap]
         [--force-encapsulation] [--search DOMAIN]... [--ipv6]
         [--key-file F]... [--passphrase-file F] [--identity NAME]
         [--gateway-name NAME] [--accept FINGERPRINT] [--require-crl]
         [--ike-lifetime SECONDS] [--esp-lifetime SECONDS] [--sha256-96] [--esn]
         [--ike TRANSFORM]... [--esp TRANSFORM]...
         [--aggressive GROUP] [--aggressive-dh NUMBER] [--xauth-user NAME] [--xauth-password-file F]
         ping HOST | traceroute HOST | lookup NAME [TYPE] | get URL | hold
With --ipv6 the command waits until there is an IPv6 address.
With a key file (PKCS#12 or PEM; also certificates, revocation lists, the gateway's
public key) there is no pre-shared key. The gateway's certificate has to be accepted once,
by the fingerprint that the refusal shows; with --require-crl a revocation list among the
key files has to cover it, too.
--sha256-96 is for old gateways that cut HMAC-SHA-256 to 96 bits instead of 128: the tunnel
is agreed on, and then nothing answers. --esn offers 64-bit sequence numbers and no others.
--ike and --esp offer these transforms alone, as docs/algorithms.md names them:
--ike 'AES-CBC-256, SHA1, MODP-2048' --esp 'AES-CBC-256, HMAC-SHA1-96'.
--aggressive is IKE's aggressive mode, under the name of a group: whoever reads along, or
poses as the gateway, can then try guesses against the pre-shared key at leisure.
--xauth-user is XAUTH, which hands its password to whoever knows the pre-shared key. Use them
only where the gateway's operator says that it has nothing better.
Without a file the secrets come from CULVERT_PASSWORD, CULVERT_PSK, CULVERT_PASSPHRASE and
CULVERT_XAUTH_PASSWORD.`;

/** Reads the arguments and the secrets they point to. Throws `TunnelError` `BAD_INPUT` naming what is wrong. */
export async function parseOptions(args: string[], env: NodeJS.ProcessEnv): Promise<Options> {
  const { values, positionals } = parse(args);
  const [word, target = '', ...rest] = positionals;
  const command = COMMANDS.find((each) => each === word);
  if (command === undefined) {
    throw bad('ping HOST, traceroute HOST, lookup NAME, get URL or hold is needed');
  }
  const most = command === 'lookup' ? 1 : 0;
  if (rest.length > most || (command === 'hold') !== (target === ''))
    throw bad(`${command}: wrong arguments`);
  const [type = 'A'] = rest;
  const recordType = RECORD_TYPES.find((each) => each === type.toUpperCase());
  if (recordType === undefined) throw bad(`${type}: not one of ${RECORD_TYPES.join(', ')}`);
  if (command === 'get' && !(URL.canParse(target) && /^https?:$/.test(new URL(target).protocol))) {
    throw bad(`${target}: not an http:// or https:// URL`);
  }
  return {
    relay: relayUrl(required(values.relay, '--relay')),
    gateway: required(values.gateway, '--gateway'),
    user: required(values.user, '--user'),
    password: await secret(
      values['password-file'],
      env.CULVERT_PASSWORD,
      'password',
      'CULVERT_PASSWORD',
    ),
    method: await signInMethod(values, env),
    innerPort: number('--inner-port', values['inner-port'], 1, 65_535),
    allowPap: values['allow-pap'] === true,
    forceEncapsulation: values['force-encapsulation'] === true,
    ikeLifetime: number('--ike-lifetime', values['ike-lifetime'], ...LIFETIMES),
    espLifetime: number('--esp-lifetime', values['esp-lifetime'], ...LIFETIMES),
    phase1: phase1Transforms(values),
    esp: espSettings(values),
    weak: await weakSignIn(values, env),
    ipv6: values.ipv6 === true,
    searchList: values.search ?? [],
    command,
    target,
    recordType,
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        relay: { type: 'string' },
        gateway: { type: 'string' },
        user: { type: 'string' },
        'password-file': { type: 'string' },
        'psk-file': { type: 'string' },
        'inner-port': { type: 'string' },
        'allow-pap': { type: 'boolean' },
        'force-encapsulation': { type: 'boolean' },
        'ike-lifetime': { type: 'string' },
        'esp-lifetime': { type: 'string' },
        'sha256-96': { type: 'boolean' },
        esn: { type: 'boolean' },
        ike: { type: 'string', multiple: true },
        esp: { type: 'string', multiple: true },
        aggressive: { type: 'string' },
        'aggressive-dh': { type: 'string' },
        'xauth-user': { type: 'string' },
        'xauth-password-file': { type: 'string' },
        ipv6: { type: 'boolean' },
        'key-file': { type: 'string', multiple: true },
        'passphrase-file': { type: 'string' },
        identity: { type: 'string' },
        'gateway-name': { type: 'string' },
        accept: { type: 'string' },
        'require-crl': { type: 'boolean' },
        search: { type: 'string', multiple: true },
      },
    });
  } catch (error) {
    throw bad(error instanceof Error ? error.message : String(error));
  }
}

function relayUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^wss?:$/.test(url.protocol))
    throw bad(`--relay: ${text} is not a ws:// or wss:// address`);
  if (url.pathname === '/') url.pathname = '/culvert';
  return url.href;
}

function number(
  option: string,
  text: string | undefined,
  least: number,
  most: number,
): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isInteger(value) || value < least || value > most)
    throw bad(`${option}: a number from ${least} to ${most}`);
  return value;
}

function phase1Transforms({ ike, aggressive, 'aggressive-dh': number }: Values) {
  if (ike === undefined) return undefined;
  requireKnown('--ike', ike, PHASE1_TRANSFORMS.map(describePhase1));
  const chosen = PHASE1_TRANSFORMS.filter((each) => ike.includes(describePhase1(each)));
  if (aggressive !== undefined && chosen.every(({ group }) => group !== aggressiveGroup(number)))
    throw bad('--ike: nothing in the group of --aggressive-dh');
  return chosen;
}

function requireKnown(option: string, names: readonly string[] = [], known: readonly string[]) {
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw bad(`${option}: ${unknown} is not in docs/algorithms.md`);
}

function espSettings(values: Values): EspSettings {
  requireKnown('--esp', values.esp, PHASE2_TRANSFORMS.map(describePhase2));
  return {
    truncatedSha256: values['sha256-96'] === true,
    extendedSequenceNumbers: values.esn === true,
    ...(values.esp !== undefined && { only: values.esp }),
  };
}

async function signInMethod(values: Values, env: NodeJS.ProcessEnv): Promise<SignInMethod> {
  const names = values['key-file'] ?? [];
  if (names.length === 0) {
    const file = values['psk-file'];
    const preSharedKey = await secret(file, env.CULVERT_PSK, 'pre-shared key', 'CULVERT_PSK');
    return { kind: 'pre-shared-key', preSharedKey };
  }
  const files = names.map(async (name) => ({
    name: basename(name),
    bytes: new Uint8Array(await readFile(name).catch((error) => unreadable('key', error))),
  }));
  const file = values['passphrase-file'];
  const { CULVERT_PASSPHRASE: passphrase = '' } = env;
  const accepted = values.accept?.replaceAll(':', '').toLowerCase();
  return {
    kind: 'key',
    files: await Promise.all(files),
    // Not every file is encrypted.
    passphrase:
      file === undefined ? passphrase : await secret(file, '', 'passphrase', 'CULVERT_PASSPHRASE'),
    identity: values.identity ?? '',
    gatewayName: values['gateway-name'] ?? '',
    ...(accepted !== undefined && { accepted }),
    requireRevocationList: values['require-crl'] ?? false,
  };
}

/** What the options allow that is weak; they are the user's consent. */
async function weakSignIn(values: Values, env: NodeJS.ProcessEnv): Promise<WeakSignIn> {
  const { aggressive: name, 'aggressive-dh': number, 'xauth-user': userName } = values;
  if (number !== undefined && name === undefined)
    throw bad('--aggressive-dh: without --aggressive');
  const file = values['xauth-password-file'];
  const variable = 'CULVERT_XAUTH_PASSWORD';
  const password =
    userName === undefined ? '' : await secret(file, env[variable], 'XAUTH password', variable);
  return {
    ...(name !== undefined && { aggressive: { name, group: aggressiveGroup(number) } }),
    ...(userName !== undefined && { xauth: { userName, password } }),
  };
}

function aggressiveGroup(text: string = String(AGGRESSIVE_GROUPS[0])): AggressiveGroup {
  const group = AGGRESSIVE_GROUPS.find((each) => String(each) === text);
  if (group === undefined) throw bad(`--aggressive-dh: one of ${AGGRESSIVE_GROUPS.join(', ')}`);
  return group;
}

function unreadable(what: string, error: unknown): never {
  const reason = error instanceof Error ? error.message : String(error);
  throw bad(`the ${what}'s file cannot be read: ${reason}`);
}

/** A secret from a file, without the newline an editor leaves at its end, or from the environment. */
async function secret(
  file: string | undefined,
  fromEnv: string | undefined,
  what: string,
  variable: string,
): Promise<string> {
  if (file === undefined) {
    if (fromEnv === undefined || fromEnv === '')
      throw bad(`no ${what}: set ${variable} or name a file`);
    return fromEnv;
  }
  const text = await readFile(file, 'utf8').catch((error: unknown) => unreadable(what, error));
  return text.replace(/\r?\n$/, '');
}

function required(value: string | undefined, name: string): string {
  if (value === undefined || value === '') throw bad(`${name} is missing`);
  return value;
}

function bad(detail: string): TunnelError {
  return new TunnelError('BAD_INPUT', detail);
}
