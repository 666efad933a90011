/** The portal's model: what the page knows, as signals, and what a person can make it do. */
import { batch, type ReadonlySignal, signal } from '@preact/signals';
import { type CertificateSummary, type Failure, plainText } from '../../shared/errors.ts';
import type {
  ConnectionInfo,
  FetchReply,
  KeyKind,
  MadeKey,
  Outcome,
  PingReply,
  PublicHalf,
} from '../worker/api.ts';
import type { AcceptedCertificates } from './accepted-certificates.ts';
import type { Consents } from './consents.ts';
import type { DeepLink } from './deep-link.ts';
import type { EspSettingsList } from './esp-settings.ts';
import type { GatewayList } from './gateways.ts';
import { Inspection } from './packets/inspection.ts';
import type { Bookmark, Visit } from './playground.ts';
import type { GatewayKey } from './stored-list.ts';
import type { Tunnel, TunnelEvents } from './tunnel.ts';
import { type SignIn, weakSignIn } from './validation.ts';
import { advance, broken, type View } from './view.ts';

export interface PortalParts {
  /** WebSocket address of the relay. */
  readonly relay: string;
  readonly openTunnel: (events: TunnelEvents) => Tunnel;
  readonly loadGateways: () => Promise<GatewayList>;
  readonly loadVisit: () => Promise<Visit | undefined>;
  readonly consents: Consents;
  readonly certificates: AcceptedCertificates;
  readonly espSettings: EspSettingsList;
  /** Whether nobody can see the page. */
  readonly hidden: () => boolean;
}

/** What `Fetch` is to get: at once, or when its button is pressed. */
export interface Destination {
  readonly url: string;
  readonly atOnce: boolean;
}

export class Portal {
  readonly #relay: string;
  readonly #tunnel: Tunnel;
  readonly #loadGateways: () => Promise<GatewayList>;
  readonly #loadVisit: () => Promise<Visit | undefined>;
  readonly consents: Consents;
  readonly inspection: Inspection;
  readonly certificates: AcceptedCertificates;
  readonly espSettings: EspSettingsList;
  /** The gateway that was dialled last. */
  #dialled = '';
  readonly #view = signal<View>({ kind: 'ready' });
  readonly #gateways = signal<GatewayList>({ kind: 'loading' });
  readonly #visit = signal<Visit | undefined>(undefined);
  readonly #visitsAsked = signal(0);
  readonly #link = signal<DeepLink | undefined>(undefined);
  readonly #destination = signal<Destination | undefined>(undefined);

  constructor(parts: PortalParts) {
    this.#relay = parts.relay;
    this.#loadGateways = parts.loadGateways;
    this.#loadVisit = parts.loadVisit;
    this.consents = parts.consents;
    this.certificates = parts.certificates;
    this.espSettings = parts.espSettings;
    let first = true;
    this.#tunnel = parts.openTunnel({
      state: (state) => {
        // Who is quicker than the worker's start is already connecting when its first `idle` arrives.
        const stale = first && state.kind === 'idle';
        first = false;
        if (stale) return;
        const before = this.#view.value;
        const after = advance(before, state);
        this.#view.value = after;
        if (before.kind !== 'ready' && after.kind === 'ready') this.#over();
      },
      fault: (detail) => this.#fault(detail),
    });
    const { inspector } = this.#tunnel;
    this.inspection = new Inspection({ inspector, hidden: parts.hidden });
    void this.reloadGateways();
  }

  get view(): ReadonlySignal<View> {
    return this.#view;
  }

  get gateways(): ReadonlySignal<GatewayList> {
    return this.#gateways;
  }

  async reloadGateways(): Promise<void> {
    this.#gateways.value = { kind: 'loading' };
    const list = await this.#loadGateways();
    // At once: nobody is to see the playground and no account on its way.
    await batch(() => {
      this.#gateways.value = list;
      return this.#reloadVisit();
    });
  }

  /** The id of the gateway that gives an account to everybody, where there is one. */
  get playground(): string | undefined {
    const list = this.#gateways.value;
    if (list.kind !== 'loaded') return undefined;
    return list.gateways.find(({ playground }) => playground)?.id;
  }

  /** The playground's account for this page. */
  get visit(): ReadonlySignal<Visit | undefined> {
    return this.#visit;
  }

  /** Whether an account is on its way. */
  get visitPending(): boolean {
    return this.#visitsAsked.value > 0;
  }

  /** Where the page's address leads. */
  get link(): ReadonlySignal<DeepLink | undefined> {
    return this.#link;
  }

  get destination(): ReadonlySignal<Destination | undefined> {
    return this.#destination;
  }

  /** What is behind the gateway of the tunnel that stands, as far as it says so. */
  get bookmarks(): readonly Bookmark[] {
    const isThere = this.#view.value.kind === 'connected' && this.#dialled === this.playground;
    return isThere ? (this.#visit.value?.bookmarks ?? []) : [];
  }

  /** The page's address names a gateway, or nothing that is understood. */
  follow(link: DeepLink | undefined): void {
    this.#link.value = link;
    if (link?.open !== undefined) this.#destination.value = { url: link.open, atOnce: false };
  }

  /** Has `Fetch` get an address. */
  open(url: string): void {
    this.#destination.value = { url, atOnce: true };
  }

  /** Starts connecting with a form that `signInErrors` found nothing wrong with. */
  connect(form: SignIn): void {
    if (this.#view.value.kind !== 'ready') return;
    // Shown at once: the worker's first state may be a moment away.
    this.#view.value = { kind: 'connecting', stage: 'relay' };
    this.#dialled = form.gateway;
    const key = this.keyOf(form.gateway);
    const allowPap = this.consents.has(key);
    const accepted = this.certificates.find(key)?.fingerprint;
    const esp = this.espSettings.of(key);
    const { keys, weak, ...rest } = form;
    const keysAndTrust = keys && { keys: { ...keys, ...(accepted !== undefined && { accepted }) } };
    this.#tunnel
      .connect({
        relay: this.#relay,
        ...rest,
        esp,
        allowPap,
        ...keysAndTrust,
        ...(weak && { weak: weakSignIn(weak) }),
      })
      .catch((error: unknown) => this.#fault(errorMessage(error)));
  }

  /** Gives up connecting, or ends the tunnel. */
  disconnect(): void {
    this.#tunnel.disconnect().catch((error: unknown) => this.#fault(errorMessage(error)));
  }

  /** One echo request; never rejects. */
  ping(host: string): Promise<Outcome<PingReply>> {
    return this.#tunnel.ping(host).catch(failed);
  }

  /** One GET request, `CANCELLED` after `signal`; never rejects. */
  fetch(
    url: string,
    progress: (received: number, total: number | undefined) => void,
    signal: AbortSignal,
  ): Promise<Outcome<FetchReply>> {
    return this.#tunnel.fetch(url, progress, signal).catch(failed);
  }

  /** The TCP connections there are now; never rejects. */
  connections(): Promise<Outcome<readonly ConnectionInfo[]>> {
    return this.#tunnel.connections().catch(failed);
  }

  /** A bare key, made by the browser; never rejects. */
  makeKey(kind: KeyKind): Promise<Outcome<MadeKey>> {
    return this.#tunnel.makeKey(kind).catch(failed);
  }

  /** Of the private key among the files; never rejects. */
  publicHalf(files: readonly File[], passphrase: string): Promise<Outcome<PublicHalf>> {
    return this.#tunnel.publicHalf(files, passphrase).catch(failed);
  }

  /** What the gateway of the failure on the screen insists on and only the user may allow. */
  get wanted(): GatewayKey | undefined {
    const view = this.#view.value;
    const wants = view.kind === 'ready' ? view.failure?.wants : undefined;
    return wants === 'pap' ? this.keyOf(this.#dialled) : undefined;
  }

  /** Remembers a certificate for the gateway that showed it, in place of any other. */
  accept({ fingerprint }: CertificateSummary): void {
    this.certificates.put({ ...this.keyOf(this.#dialled), fingerprint });
  }

  isAccepted({ fingerprint }: CertificateSummary): boolean {
    return this.certificates.find(this.keyOf(this.#dialled))?.fingerprint === fingerprint;
  }

  /** What decisions about a gateway are kept under. */
  keyOf(gateway: string): GatewayKey {
    return { relay: new URL(this.#relay).origin, gateway };
  }

  /** The name of the gateway that a decision is about, or its id where the relay does not list it. */
  nameOf({ relay, gateway }: GatewayKey): string {
    const list = this.#gateways.value;
    const here = relay === new URL(this.#relay).origin && list.kind === 'loaded';
    const known = here ? list.gateways.find(({ id }) => id === gateway) : undefined;
    return known?.name ?? plainText(`${gateway} at ${relay}`);
  }

  /** The next call has an account of its own: the last one may be the reason for a failure. */
  #over(): void {
    if (this.#dialled === this.playground) void this.#reloadVisit();
  }

  async #reloadVisit(): Promise<void> {
    if (this.playground === undefined) {
      this.#visit.value = undefined;
      return;
    }
    this.#visitsAsked.value++;
    const visit = await this.#loadVisit();
    batch(() => {
      // Where no other is to be had, as without a network, the last one is better than none.
      this.#visit.value = visit ?? this.#visit.value;
      this.#visitsAsked.value--;
    });
  }

  #fault(detail: string): void {
    this.#view.value = broken(plainText(detail));
    // Whatever is left of a tunnel must not go on behind a page that says there is none.
    this.#tunnel.disconnect().catch(() => undefined);
  }
}

function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function failed(error: unknown): { readonly ok: false; readonly failure: Failure } {
  return { ok: false, failure: { code: 'INTERNAL', detail: plainText(errorMessage(error)) } };
}
