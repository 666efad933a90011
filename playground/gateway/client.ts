/**
 * One client of the gateway: the layers of its tunnel, stacked as `shared/vpn/stack.ts` stacks the tab's, but the other
 * roles: IKE responder, LNS, PPP authenticator. A client may call again over the same IKE SA, and keeps its call
 * through the renewals of that SA, which come from the same port.
 * @rfc 3193 §3
 */
import { type EspEngine, type EspSaParameters, SEALED_HEADER } from '../../shared/esp/engine.ts';
import { Ike } from '../../shared/ike/ike.ts';
import type { IkeChannel, IkeOutput } from '../../shared/ike/io.ts';
import { isControl, L2tp, type L2tpOutput } from '../../shared/l2tp/l2tp.ts';
import { Ppp, type PppOutput, PppProtocol } from '../../shared/ppp/ppp.ts';
import { Channel, RELAY_MTU } from '../../shared/relay/channels.ts';
import { EspPath } from '../../shared/vpn/esp-path.ts';
import { innerMtu } from '../../shared/vpn/mtu.ts';
import type { Bytes, Millis } from '../../shared/wire/bytes.ts';
import { earliest, isDue } from '../../shared/wire/machine.ts';
import type { Packet } from '../../shared/wire/packet.ts';
import type { ClientEvents, ClientSettings } from './client-config.ts';

/** Where L2TP is inside ESP. */
const L2TP_PORT = 1701;

/** From the first message, and again from the end of a call, until a call stands. */
const SETUP_MILLIS = 60_000;

/** How long an orderly end may take. */
const CLOSE_MILLIS = 2_500;

/** How long somebody may think about a password. */
const AUTHENTICATION_MILLIS = 30_000;

/** Silence after which L2TP asks whether the client is there. */
const HELLO_MILLIS = 30_000;

/** IKE hears of authentic traffic at most this often. */
const ALIVE_MILLIS = 1_000;

const UNSPECIFIED: Bytes = new Uint8Array(4);

/** A call: one L2TP tunnel with one session, and PPP in it. */
interface Call {
  readonly l2tp: L2tp;
  ppp: Ppp | undefined;
  userName: string;
  /** Largest IP packet; 0 while PPP carries none. */
  mtu: number;
}

export class Client {
  readonly #settings: ClientSettings;
  readonly #events: ClientEvents;
  readonly #ike: Ike;
  #engine: EspEngine | undefined;
  #path: EspPath | undefined;
  #call: Call;
  #now: Millis;
  /** When a call has to stand; `undefined` while one does. */
  #setUpBy: Millis | undefined;
  /** Set while the layers end in order. */
  #closeBy: Millis | undefined;
  #over = false;
  #aliveAt: Millis = 0;
  /** When its last IP packet came. */
  heardAt: Millis;
  /** Bytes of IP packets, both ways. */
  octets = 0;

  /** `remote`: where its first message came from; its address is 4 bytes. */
  constructor(
    settings: ClientSettings,
    remote: { readonly address: Bytes; readonly port: number },
    events: ClientEvents,
    now: Millis,
  ) {
    this.#settings = settings;
    this.#events = events;
    this.#now = now;
    this.heardAt = now;
    this.#setUpBy = now + SETUP_MILLIS;
    const { primitives, random, preSharedKey, localAddress, localPorts, phase1, phase2 } = settings;
    this.#ike = new Ike({
      role: 'responder',
      primitives,
      random,
      credentials: { kind: 'pre-shared-key', key: preSharedKey },
      localAddress,
      remoteAddress: remote.address,
      localPorts,
      // NAT discovery is over before anybody floats.
      remotePorts: { ike: remote.port, natt: remote.port },
      // An unprivileged program has no IP protocol 50, and the client has to see a NAT to do without.
      natTraversal: 'force',
      natAddress: UNSPECIFIED,
      innerLocalPort: L2TP_PORT,
      innerRemotePort: L2TP_PORT,
      ...(phase1 && { phase1 }),
      ...(phase2 && { phase2 }),
    });
    this.#call = this.#newCall();
  }

  /** Whether its first message began an exchange; without one it is nobody. */
  get begun(): boolean {
    return this.#ike.deadline !== undefined;
  }

  /** Whether its layers are ending. */
  get closing(): boolean {
    return this.#over || this.#closeBy !== undefined;
  }

  get deadline(): Millis | undefined {
    if (this.#over) return undefined;
    const { l2tp, ppp } = this.#call;
    return earliest(
      this.#ike.deadline,
      this.#path?.sas.deadline,
      l2tp.deadline,
      ppp?.deadline,
      this.#setUpBy,
      this.#closeBy,
    );
  }

  /** An ISAKMP message, without the non-ESP marker. */
  receiveIke(channel: IkeChannel, bytes: Bytes, now: Millis): void {
    this.#now = now;
    this.#toIke({ kind: 'datagram', channel, bytes });
  }

  /** An ESP packet. Answers whether it was authentic. */
  receiveEsp(bytes: Bytes, now: Millis): boolean {
    this.#now = now;
    this.#path?.receive(bytes, 0, bytes.length);
    if (!this.#path?.openPending()) return false;
    if (now - this.#aliveAt >= ALIVE_MILLIS) {
      this.#aliveAt = now;
      this.#toIke({ kind: 'alive' });
      const { usage } = this.#path.sas;
      if (usage !== undefined) this.#toIke({ kind: 'used', ...usage });
    }
    return true;
  }

  /** An IP packet for the client, copied before it returns. Answers false where it cannot be sent. */
  send(packet: Bytes): boolean {
    const { l2tp, ppp, mtu } = this.#call;
    if (this.#path?.sealer === undefined || ppp === undefined || packet.length > mtu) return false;
    const slot = this.#path.take();
    slot.bytes.set(packet, slot.start);
    slot.end = slot.start + packet.length;
    ppp.encapsulate(slot, PppProtocol.ipv4);
    l2tp.encapsulate(slot);
    this.#path.send(slot);
    this.octets += packet.length;
    return true;
  }

  /** Seals what is queued. */
  flush(): void {
    this.#path?.flush();
  }

  timeout(now: Millis): void {
    this.#now = now;
    if (this.#over) return;
    if (isDue(this.#ike, now)) this.#toIke({ kind: 'timeout' });
    this.#path?.sas.timeout(now);
    if (isDue(this.#call.l2tp, now)) this.#toL2tp({ kind: 'timeout' });
    if (isDue(this.#call.ppp, now)) this.#toPpp({ kind: 'timeout' });
    if ((earliest(this.#setUpBy, this.#closeBy) ?? Infinity) <= now) this.#toIke({ kind: 'close' });
  }

  /** Ends the layers in order, from the top; `closed` follows when the last has. */
  close(now: Millis): void {
    this.#now = now;
    if (this.#over || this.#closeBy !== undefined) return;
    this.#closeBy = now + CLOSE_MILLIS;
    this.#closeNext();
  }

  /** Forgets everything at once, and tells nobody. */
  discard(): void {
    if (this.#over) return;
    this.#over = true;
    this.#endNetwork();
    this.#ike.handle({ kind: 'close' }, this.#now);
    this.#path?.close();
    if (this.#engine !== undefined) this.#events.released(this.#engine);
  }

  #closeNext(): void {
    const { l2tp, ppp } = this.#call;
    if (ppp !== undefined) this.#toPpp({ kind: 'close' });
    else if (l2tp.deadline !== undefined) this.#toL2tp({ kind: 'close' });
    else this.#toIke({ kind: 'close' });
  }

  // IKE and ESP.

  #toIke(input: Parameters<Ike['handle']>[0]): void {
    for (const output of this.#ike.handle(input, this.#now)) this.#fromIke(output);
  }

  /** Without an ESP SA, and none on its way, nothing passes any more. */
  #endIfBare(): void {
    if (this.#path?.sealer === undefined) this.#endCall();
  }

  #fromIke(output: IkeOutput): void {
    switch (output.kind) {
      case 'transmit':
        return this.#sendIke(output.channel, output.bytes);
      case 'ike-established':
        return this.#events.proven();
      case 'child-inbound':
        return void this.#openInbound(output.inbound);
      case 'child-established': {
        const { inbound, outbound, initiatedBy, peerPort } = output;
        const path = this.#openInbound(inbound);
        path?.peer.negotiated(peerPort);
        path?.sas.add(inbound, outbound, Channel.natt, initiatedBy === 'peer', this.#now);
        return;
      }
      case 'child-confirmed':
        return this.#path?.sas.confirm(output.spi);
      case 'child-deleted':
        this.#events.forgotten(output.spi);
        this.#path?.sas.forget(output.spi);
        return output.isReplaced ? undefined : this.#endIfBare();
      case 'rekey-failed':
        return output.isReplaced ? undefined : this.#endIfBare();
      case 'closed':
        this.#path?.flush();
        this.discard();
        return this.#events.closed();
      case 'trace':
        return this.#events.trace(output);
    }
  }

  /** ESP with this SPI is the client's from now on. `undefined` where it is somebody's already: the client has to begin anew. */
  #openInbound(inbound: EspSaParameters): EspPath | undefined {
    if (!this.#events.opened(inbound.spi)) {
      // One in ten million.
      this.#toIke({ kind: 'close' });
      return undefined;
    }
    this.#engine ??= this.#events.engine();
    this.#path ??= this.#newPath(this.#engine);
    this.#path.sas.open(inbound);
    return this.#path;
  }

  #sendIke(channel: IkeChannel, bytes: Bytes): void {
    this.#path?.flush();
    if (channel === 'ike') return this.#events.transmit(Channel.ike, bytes);
    const marked = new Uint8Array(4 + bytes.length);
    marked.set(bytes, 4);
    this.#events.transmit(Channel.natt, marked);
  }

  #newPath(engine: EspEngine): EspPath {
    return new EspPath(
      engine,
      { local: L2TP_PORT },
      (bytes, start, end) =>
        this.#events.transmit(Channel.natt, bytes.slice(start + SEALED_HEADER, end)),
      (packets) => {
        for (const packet of packets) this.#receiveL2tp(packet);
      },
    );
  }

  // The call.

  #newCall(): Call {
    const { random, primitives, hostName } = this.#settings;
    const l2tp = new L2tp({
      role: 'lns',
      random,
      hostName,
      primitives,
      helloInterval: HELLO_MILLIS,
    });
    return { l2tp, ppp: undefined, userName: '', mtu: 0 };
  }

  /** The call is over; the client may make another. */
  #endCall(): void {
    this.#endNetwork();
    this.#call = this.#newCall();
    this.#path?.peer.begin();
    this.#setUpBy ??= this.#now + SETUP_MILLIS;
    if (this.#closeBy !== undefined) this.#closeNext();
  }

  #endNetwork(): void {
    if (this.#call.ppp === undefined) return;
    this.#call.ppp = undefined;
    this.#call.mtu = 0;
    this.#events.networkDown();
  }

  #toL2tp(input: Parameters<L2tp['handle']>[0]): void {
    for (const output of this.#call.l2tp.handle(input, this.#now)) this.#fromL2tp(output);
  }

  #fromL2tp(output: L2tpOutput): void {
    if (output.kind === 'transmit') this.#sendL2tp(output.bytes, false);
    else if (output.kind === 'session-established') {
      this.#path?.peer.settle();
      this.#startPpp();
    } else if (output.kind === 'closed') this.#endCall();
    else if (output.kind === 'trace') this.#events.trace(output);
  }

  #startPpp(): void {
    const { random, primitives, methods, accounts, innerAddress } = this.#settings;
    const { nameServers, hostName } = this.#settings;
    const sealer = this.#path?.sealer;
    if (sealer === undefined) return;
    const call = this.#call;
    call.ppp = new Ppp({
      role: 'server',
      random,
      primitives,
      mru: innerMtu(RELAY_MTU, 'udp', sealer),
      methods,
      timing: { authentication: AUTHENTICATION_MILLIS },
      server: {
        accounts: (name) => {
          call.userName = name;
          return accounts(name);
        },
        address: innerAddress,
        // A client that is given none knows what to say about it.
        assign: this.#events.lease() ?? UNSPECIFIED,
        nameServers,
        hostName,
      },
    });
    this.#toPpp({ kind: 'up' });
  }

  #toPpp(input: Parameters<Ppp['handle']>[0]): void {
    for (const output of this.#call.ppp?.handle(input, this.#now) ?? []) this.#fromPpp(output);
  }

  #fromPpp(output: PppOutput): void {
    if (output.kind === 'transmit') this.#sendL2tp(output.bytes, true);
    else if (output.kind === 'stage') this.#call.mtu = 0;
    else if (output.kind === 'network-up') this.#networkUp(output.peerAddress, output.mtu);
    else if (output.kind === 'closed') {
      this.#endNetwork();
      this.#toL2tp({ kind: 'close' });
    } else if (output.kind === 'trace') this.#events.trace(output);
  }

  #networkUp(address: Bytes, linkMtu: number): void {
    const sealer = this.#path?.sealer;
    if (sealer === undefined) return;
    if (address.every((byte) => byte === 0)) return this.#toPpp({ kind: 'close' });
    this.#setUpBy = undefined;
    this.heardAt = this.#now;
    this.#call.mtu = Math.min(linkMtu, innerMtu(RELAY_MTU, 'udp', sealer));
    this.#events.networkUp(this.#call.userName, this.#call.mtu);
  }

  #sendL2tp(bytes: Bytes, isFrame: boolean): void {
    if (this.#path?.sealer === undefined) return;
    const packet = this.#path.take();
    packet.bytes.set(bytes, packet.start);
    packet.end = packet.start + bytes.length;
    if (isFrame) this.#call.l2tp.encapsulate(packet);
    this.#path.send(packet);
  }

  /** The data path up: L2TP and PPP headers come off in place. */
  #receiveL2tp(packet: Packet): void {
    const { l2tp, ppp } = this.#call;
    if (isControl(packet)) {
      this.#toL2tp({ kind: 'datagram', bytes: packet.bytes.slice(packet.start, packet.end) });
      return;
    }
    if (!l2tp.decapsulate(packet, this.#now) || ppp === undefined) return;
    const { start } = packet;
    const protocol = ppp.decapsulate(packet, this.#now);
    if (packet.start !== start) {
      this.heardAt = this.#now;
      this.octets += packet.end - packet.start;
      this.#events.packet(packet.bytes.subarray(packet.start, packet.end));
    } else if (protocol !== 0) {
      this.#toPpp({ kind: 'frame', bytes: packet.bytes.slice(start, packet.end) });
    }
  }
}
