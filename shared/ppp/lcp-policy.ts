/**
 * Which LCP options we ask for and which we let the peer have.
 * RFC 1661 §6. Compression of header fields is granted to the peer and not used: SoftEther never completes
 * without the full header, and nothing is gained by sparing three bytes now and then.
 */
import type { Failure } from '../errors.ts';
import type { Random } from '../wire/bytes.ts';
import type { AuthMethod, PppConfig, PppTiming } from './config.ts';
import type { ConfigOption } from './config-option.ts';
import {
  decodeLcpOption,
  encodeLcpOption,
  type LcpOption,
  methodOfOption,
  optionOfMethod,
} from './lcp-option.ts';
import type { Policy, Verdict } from './negotiation.ts';
import { PppProtocol } from './protocol.ts';

/** What holds for a peer that does not ask for anything else. @rfc 1661 §6.1 */
const DEFAULT_MRU = 1500;

/** Smallest MRU worth a link: room for the headers of IP and TCP and for every control packet of ours. */
const MINIMUM_MRU = 128;

export class LcpPolicy implements Policy<LcpOption> {
  readonly layer = 'lcp';
  readonly decode: (option: ConfigOption) => LcpOption = decodeLcpOption;
  readonly encode: (option: LcpOption) => ConfigOption = encodeLcpOption;
  readonly #config: PppConfig;
  readonly #random: Random;
  readonly #maxFailure: number;
  /** What we ask for; `undefined` once the peer rejected it. */
  #mru: number | undefined;
  #magic: number | undefined;
  /** Methods a server may still ask for, the one it asks for now first. */
  #demands: readonly AuthMethod[] = [];
  #peerMru = DEFAULT_MRU;
  #methodForPeer: AuthMethod | undefined;
  #methodsRefused = 0;
  #lastRefused = '';
  #heldOut = false;

  constructor(config: PppConfig, timing: PppTiming) {
    this.#config = config;
    this.#random = config.random;
    this.#maxFailure = timing.maxFailure;
  }

  /** Largest packet, in bytes, that both directions carry. */
  get mtu(): number {
    return Math.min(this.#peerMru, this.#mru ?? this.#config.mru, this.#config.mru);
  }

  /** Ours, 0 without one. */
  get magic(): number {
    return this.#magic ?? 0;
  }

  /** How the client has to prove itself: what the client acknowledged and the server was granted. */
  get method(): AuthMethod | undefined {
    return this.#config.role === 'client' ? this.#methodForPeer : this.#demands[0];
  }

  /** Whether the peer's way of signing in was refused and nothing has been agreed since. */
  get refusedMethod(): boolean {
    return this.#methodsRefused > 0 && this.#methodForPeer === undefined;
  }

  /** Whether a method was refused only because a better one is allowed. */
  get heldOut(): boolean {
    return this.#heldOut;
  }

  get noMethod(): Failure {
    const code = 'PPP_NO_AUTH_PROTOCOL';
    if (this.#lastRefused === '') return { code };
    const detail = `the peer asks for ${this.#lastRefused}`;
    const consent = this.#config.role === 'client' && this.#lastRefused === 'PAP';
    return { code, detail, ...(consent && { wants: 'pap' }) };
  }

  reset(): void {
    this.#mru = this.#config.mru;
    this.#magic = this.#freshMagic();
    this.#demands = this.#config.role === 'server' ? this.#config.methods : [];
    this.#peerMru = DEFAULT_MRU;
    this.#methodForPeer = undefined;
    this.#methodsRefused = 0;
  }

  request(): readonly LcpOption[] {
    const options: LcpOption[] = [];
    if (this.#mru !== undefined) options.push({ kind: 'mru', mru: this.#mru });
    const demand = this.#demands[0];
    if (demand !== undefined) options.push(optionOfMethod(demand));
    if (this.#magic !== undefined) options.push({ kind: 'magic-number', magic: this.#magic });
    return options;
  }

  judge(options: readonly LcpOption[], again: boolean): Verdict<LcpOption> {
    const rejected = options.filter(
      ({ kind }) =>
        kind === 'unknown' ||
        (kind === 'authentication-protocol' && this.#config.role === 'server'),
    );
    if (rejected.length > 0) return { kind: 'reject', options: rejected };
    const better: LcpOption[] = [];
    for (const option of options) {
      if (option.kind === 'mru' && option.mru < MINIMUM_MRU)
        better.push({ kind: 'mru', mru: MINIMUM_MRU });
      if (option.kind === 'magic-number' && this.#unusable(option.magic))
        better.push({ kind: 'magic-number', magic: this.#freshMagic() });
      if (option.kind === 'authentication-protocol') {
        const method = methodOfOption(option);
        if (method !== undefined && this.#willDo(method, again)) continue;
        if (!again) this.#methodsRefused++;
        this.#lastRefused = describe(option);
        const wish = this.#wish();
        if (wish === undefined) return { kind: 'fail', failure: this.noMethod };
        better.push(optionOfMethod(wish));
      }
    }
    return better.length > 0 ? { kind: 'nak', options: better } : { kind: 'ack' };
  }

  agree(options: readonly LcpOption[]): void {
    this.#peerMru = DEFAULT_MRU;
    this.#methodForPeer = undefined;
    for (const option of options) {
      if (option.kind === 'mru') this.#peerMru = option.mru;
      if (option.kind === 'authentication-protocol') this.#methodForPeer = methodOfOption(option);
    }
  }

  acknowledged(): Failure | undefined {
    return undefined;
  }

  nakked(options: readonly LcpOption[]): Failure | undefined {
    for (const option of options) {
      // A larger one is no reason to receive more than we can.
      if (option.kind === 'mru' && this.#mru !== undefined && option.mru >= MINIMUM_MRU)
        this.#mru = Math.min(option.mru, this.#mru);
      if (option.kind === 'magic-number' && this.#magic !== undefined)
        this.#magic = this.#freshMagic();
      if (option.kind === 'authentication-protocol' && this.#demands.length > 0) {
        const left = this.#demands.slice(1);
        const wish = methodOfOption(option);
        this.#demands = wish !== undefined && left.includes(wish) ? [wish, ...left] : left;
        this.#lastRefused = describe(option);
        if (this.#demands.length === 0) return this.noMethod;
      }
    }
    return undefined;
  }

  rejected(options: readonly LcpOption[]): Failure | undefined {
    for (const { kind } of options) {
      if (kind === 'mru') this.#mru = undefined;
      if (kind === 'magic-number') this.#magic = undefined;
      if (kind === 'authentication-protocol') return this.noMethod;
    }
    return undefined;
  }

  stuck(cause: string): Failure {
    if (this.refusedMethod) return this.noMethod;
    return { code: 'PPP_NEGOTIATION_FAILED', detail: `the peer ${cause} (LCP)` };
  }

  /** Methods we can sign in with. */
  get #allowed(): readonly AuthMethod[] {
    return this.#config.credentials === undefined ? [] : this.#config.methods;
  }

  /** pppd strikes what was refused off its list, so a gateway that has only CHAP is lost by insisting on better. */
  #willDo(method: AuthMethod, again: boolean): boolean {
    if (!this.#allowed.includes(method)) return false;
    const asked = this.#methodsRefused > (again ? 1 : 0);
    if (!this.#config.insist || asked || method === this.#allowed[0]) return true;
    this.#heldOut = true;
    return false;
  }

  /** What to suggest instead: each allowed method in turn, the best first, until patience ends. */
  #wish(): AuthMethod | undefined {
    const methods = this.#allowed;
    if (methods.length === 0 || this.#methodsRefused > this.#maxFailure) return undefined;
    return methods[(this.#methodsRefused - 1) % methods.length];
  }

  /** Zero is illegal, and our own coming back means a loop or a very rare chance. @rfc 1661 §6.4 */
  #unusable(magic: number): boolean {
    return magic === 0 || magic === this.#magic;
  }

  #freshMagic(): number {
    const bytes = this.#random.bytes(4);
    return new DataView(bytes.buffer).getUint32(0) || 1;
  }
}

type AuthenticationProtocol = Extract<LcpOption, { kind: 'authentication-protocol' }>;

/** IANA "PPP Authentication Algorithms". */
const CHAP_NAMES: Readonly<Record<number, string>> = {
  5: 'CHAP-MD5',
  128: 'MS-CHAPv1',
  129: 'MS-CHAPv2',
};

function describe(option: AuthenticationProtocol): string {
  if (option.protocol === PppProtocol.eap) return 'EAP';
  if (option.protocol === PppProtocol.pap) return 'PAP';
  if (option.protocol === PppProtocol.chap) {
    const algorithm = option.data[0] ?? 0;
    return CHAP_NAMES[algorithm] ?? `CHAP with algorithm ${algorithm}`;
  }
  return `protocol 0x${option.protocol.toString(16).padStart(4, '0')}`;
}
