/**
 * Control messages of `culvert.v1`: JSON in text frames. Decoding is strict: a key too many or too few, a
 * value of another type, out of its range or longer than its limit is a `DecodeError`.
 */

import { DecodeError } from '../wire/errors.ts';
import {
  CHANNEL_NAMES,
  type ChannelName,
  CONTROL_LENGTH_LIMIT,
  FRAME_BYTES_LIMIT,
  LAST_RESERVED_SPI,
  RECORD_BYTES_LIMIT,
  UDP_CHANNEL_NAMES,
  type UdpChannelName,
} from './channels.ts';
import {
  CLAIM_REFUSALS,
  type ClaimRefusalCode,
  REFUSALS,
  type RefusalCode,
} from './close-codes.ts';

/** Most characters of a gateway's id. */
export const GATEWAY_ID_LIMIT = 64;
/** Most characters of a gateway's name. */
export const GATEWAY_NAME_LIMIT = 100;
/** Most characters of a refusal's message. */
export const MESSAGE_LIMIT = 300;

const GATEWAY_ID = /^[a-z0-9][a-z0-9._-]*$/;
const IPV4_ADDRESS = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;
const ERROR_NAME = /^[A-Z][A-Z0-9_]{0,31}$/;

/** The tab's first message, at most 5 s after the WebSocket stands: which gateway it wants. */
interface OpenMessage {
  readonly type: 'open';
  /** The gateway's id in the relay's configuration. */
  readonly gateway: string;
}

/** The gateway asked to be called at another of its addresses; answered by `opened`, or refused where its profile has no such. */
interface MoveMessage {
  readonly type: 'move';
  /** IPv4, dotted. */
  readonly address: string;
}

/** ESP that comes from the gateway with this SPI is for this tab; answered by `claimed` or `claim-refused`. */
interface ClaimMessage {
  readonly type: 'claim';
  readonly spi: number;
}

/** The tab has no use for the SPI any more; not answered. */
interface ReleaseMessage {
  readonly type: 'release';
  readonly spi: number;
}

/** The relay's answer to `open` and to `move`: its sockets toward the gateway stand. */
export interface OpenedMessage {
  readonly type: 'opened';
  readonly gateway: {
    readonly id: string;
    readonly name: string;
    /** IPv4, dotted. */
    readonly address: string;
  };
  /** Where the relay sends from: its IPv4 address, dotted, and a UDP port per channel. */
  readonly local: { readonly address: string } & ChannelPorts;
  /** UDP ports of the gateway. */
  readonly remote: ChannelPorts;
  /** `esp` among them where the relay has protocol 50. */
  readonly channels: readonly ChannelName[];
  /** Whether there may be a NAT between relay and gateway, or the operator knows that there is none. */
  readonly nat: 'possible' | 'none';
  /** Largest IP packet between relay and gateway, in bytes. */
  readonly mtu: number;
  readonly limits: {
    /** Largest binary frame, in bytes. */
    readonly frameBytes: number;
    /** Largest record, in bytes, without its header. */
    readonly recordBytes: number;
  };
}

export type ChannelPorts = { readonly [name in UdpChannelName]: number };

interface ClaimedMessage {
  readonly type: 'claimed';
  readonly spi: number;
}

interface ClaimRefusedMessage {
  readonly type: 'claim-refused';
  readonly spi: number;
  readonly code: ClaimRefusalCode;
}

/** The relay's last message before it closes the WebSocket. */
interface RefusedMessage {
  readonly type: 'refused';
  readonly code: RefusalCode;
  /** One sentence for a person. */
  readonly message: string;
}

/** A datagram came back with an ICMP error; the session goes on. */
interface UnreachableMessage {
  readonly type: 'unreachable';
  readonly channel: ChannelName;
  /** Name of the system's error, e.g. `ECONNREFUSED`. */
  readonly reason: string;
}

export type ControlFromTab = OpenMessage | MoveMessage | ClaimMessage | ReleaseMessage;
export type ControlFromRelay =
  | OpenedMessage
  | ClaimedMessage
  | ClaimRefusedMessage
  | RefusedMessage
  | UnreachableMessage;

/** The text frame of a message. */
export function encodeControl(message: ControlFromTab | ControlFromRelay): string {
  return JSON.stringify(message);
}

/** A text frame from the tab. Throws `DecodeError`. */
export function decodeControlFromTab(text: string): ControlFromTab {
  const message = parse(text);
  switch (message.type) {
    case 'open':
      exact(message, ['type', 'gateway']);
      return { type: 'open', gateway: gatewayId(message.gateway) };
    case 'move':
      exact(message, ['type', 'address']);
      return { type: 'move', address: matching(message.address, IPV4_ADDRESS, 15) };
    case 'claim':
    case 'release':
      exact(message, ['type', 'spi']);
      return { type: message.type, spi: spi(message.spi) };
    default:
      throw new DecodeError('unknown message type');
  }
}

/** A text frame from the relay. Throws `DecodeError`. */
export function decodeControlFromRelay(text: string): ControlFromRelay {
  const message = parse(text);
  switch (message.type) {
    case 'opened':
      return opened(message);
    case 'claimed':
      exact(message, ['type', 'spi']);
      return { type: 'claimed', spi: spi(message.spi) };
    case 'claim-refused':
      exact(message, ['type', 'spi', 'code']);
      return {
        type: 'claim-refused',
        spi: spi(message.spi),
        code: codeIn(CLAIM_REFUSALS, message.code),
      };
    case 'refused':
      exact(message, ['type', 'code', 'message']);
      return {
        type: 'refused',
        code: codeIn(REFUSALS, message.code),
        message: string(message.message, MESSAGE_LIMIT),
      };
    case 'unreachable':
      exact(message, ['type', 'channel', 'reason']);
      return {
        type: 'unreachable',
        channel: channelName(message.channel),
        reason: matching(message.reason, ERROR_NAME, 32),
      };
    default:
      throw new DecodeError('unknown message type');
  }
}

type Json = Readonly<Record<string, unknown>>;

function opened(message: Json): OpenedMessage {
  exact(message, ['type', 'gateway', 'local', 'remote', 'channels', 'nat', 'mtu', 'limits']);
  const gateway = exact(message.gateway, ['id', 'name', 'address']);
  const local = exact(message.local, ['address', ...UDP_CHANNEL_NAMES]);
  const remote = exact(message.remote, UDP_CHANNEL_NAMES);
  const limits = exact(message.limits, ['frameBytes', 'recordBytes']);
  return {
    type: 'opened',
    gateway: {
      id: gatewayId(gateway.id),
      name: string(gateway.name, GATEWAY_NAME_LIMIT),
      address: matching(gateway.address, IPV4_ADDRESS, 15),
    },
    local: { address: matching(local.address, IPV4_ADDRESS, 15), ...ports(local) },
    remote: ports(remote),
    channels: channelNames(message.channels),
    nat: nat(message.nat),
    mtu: integer(message.mtu, 576, 65_535),
    limits: {
      frameBytes: integer(limits.frameBytes, 1, FRAME_BYTES_LIMIT),
      recordBytes: integer(limits.recordBytes, 1, RECORD_BYTES_LIMIT),
    },
  };
}

function parse(text: string): Json {
  if (text.length > CONTROL_LENGTH_LIMIT) throw new DecodeError('control message too long');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new DecodeError('not JSON');
  }
  return record(value);
}

function record(value: unknown): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new DecodeError('not an object');
  }
  return value as Json;
}

/** The object, which must have these keys and no others. */
function exact(value: unknown, keys: readonly string[]): Json {
  const object = record(value);
  for (const key of keys) if (!Object.hasOwn(object, key)) throw new DecodeError('missing key');
  if (Object.keys(object).length !== keys.length) throw new DecodeError('unknown key');
  return object;
}

function string(value: unknown, limit: number): string {
  if (typeof value !== 'string') throw new DecodeError('not a string');
  if (value.length === 0 || value.length > limit) throw new DecodeError('string length');
  return value;
}

function matching(value: unknown, pattern: RegExp, limit: number): string {
  const text = string(value, limit);
  if (!pattern.test(text)) throw new DecodeError('string form');
  return text;
}

function gatewayId(value: unknown): string {
  return matching(value, GATEWAY_ID, GATEWAY_ID_LIMIT);
}

function integer(value: unknown, least: number, most: number): number {
  if (!Number.isInteger(value)) throw new DecodeError('not an integer');
  const number = value as number;
  if (number < least || number > most) throw new DecodeError('number out of range');
  return number;
}

function ports(value: Json): ChannelPorts {
  return {
    ike: integer(value.ike, 1, 65_535),
    natt: integer(value.natt, 1, 65_535),
    l2tp: integer(value.l2tp, 1, 65_535),
  };
}

function channelName(value: unknown): ChannelName {
  const name = CHANNEL_NAMES.find((known) => known === value);
  if (name === undefined) throw new DecodeError('unknown channel');
  return name;
}

function channelNames(value: unknown): readonly ChannelName[] {
  if (!Array.isArray(value) || value.length > CHANNEL_NAMES.length) {
    throw new DecodeError('not a list of channels');
  }
  const names = value.map(channelName);
  if (new Set(names).size !== names.length) throw new DecodeError('channel named twice');
  return names;
}

function nat(value: unknown): OpenedMessage['nat'] {
  if (value !== 'possible' && value !== 'none') throw new DecodeError('neither possible nor none');
  return value;
}

function spi(value: unknown): number {
  return integer(value, LAST_RESERVED_SPI + 1, 0xffff_ffff);
}

function codeIn<Code extends string>(table: Readonly<Record<Code, unknown>>, value: unknown): Code {
  if (typeof value !== 'string' || !Object.hasOwn(table, value)) {
    throw new DecodeError('unknown refusal code');
  }
  return value as Code;
}
