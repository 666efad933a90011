/**
 * The layers of one tunnel, stacked: IKE, ESP, L2TP, PPP, IP. Each is a machine of its own that knows nothing
 * of the others; here their outputs become the next one's inputs. Client role.
 * Above 400 lines because it is the one place that knows all five; the call (L2TP and PPP) is what would leave first.
 * @rfc 3193 §3
 */
import type { Failure } from '../errors.ts';
import { Ike } from '../ike/ike.ts';
import type { IkeOutput } from '../ike/io.ts';
import type { IpInput } from '../ip/messages.ts';
import { IpStack } from '../ip/stack.ts';
import { isControl, L2tp, type L2tpOutput } from '../l2tp/l2tp.ts';
import { Ppp, type PppOutput, PppProtocol } from '../ppp/ppp.ts';
import { Channel, type ChannelName } from '../relay/channels.ts';
import { type Bytes, constantTimeEqual, type Millis, type Random } from '../wire/bytes.ts';
import { earliest } from '../wire/machine.ts';
import type { Packet, PacketSink } from '../wire/packet.ts';
import { EspPath } from './esp-path.ts';
import { innerMtu } from './mtu.ts';
import { type Agreed, describeSession } from './session.ts';
import type { StackConfig, Stage } from './stack-config.ts';

/** L2TP's registered port (RFC 2661 §8.1): the gateway's side, inside ESP. */
const L2TP_PORT = 1701;

/** A gateway installs its SAs when Quick Mode's last message arrives: what follows on its heels is lost, and L2TP waits a second. */
const SETTLE_MILLIS = 100;

/** A NAT forgets a mapping that is silent for longer (RFC 3948 §4). */
const KEEPALIVE_MILLIS = 20_000;

/** So that a gateway that dies is missed within a minute, also where its IKE has no dead peer detection. */
const HELLO_MILLIS = 20_000;

/** A child SA is replaced when this share of its lifetime is over … */
const REKEY_AT = 0.85;

/** … and tried again after this long where the gateway did not agree. */
const REKEY_RETRY_MILLIS = 30_000;

/** How long an orderly end may take before it is cut short. */
const CLOSE_MILLIS = 2_500;

/**
 * How long L2TP may go unanswered by raw ESP before ESP in UDP is tried: a firewall that drops protocol 50 says nothing. It is
 * time for three requests.
 */
const RAW_ESP_MILLIS = 5_000;

/** DPD hears of authentic traffic at most this often. */
const ALIVE_MILLIS = 1_000;

const NON_ESP_MARKER: Bytes = new Uint8Array(4);
const NAT_KEEPALIVE: Bytes = Uint8Array.of(0xff);

export class Stack {
  readonly #config: StackConfig;
  readonly #path: EspPath;
  readonly #agreed: Agreed = { encapsulation: 'udp' };
  #ike: Ike | undefined;
  #l2tp: L2tp | undefined;
  #ppp: Ppp | undefined;
  #ip: IpStack | undefined;
  /** What the IP stack was made with. */
  #network: { readonly address: Bytes; readonly mtu: number } | undefined;
  /** Whether PPP carries IP now: it does not while a gateway negotiates anew. */
  #carriesIp = false;
  /** Our half of the link-local address, while PPP carries IPv6. */
  #interfaceId: Bytes | undefined;
  #now: Millis = 0;
  #failure: Failure | undefined;
  /** Set while the layers are being closed. */
  #giveUpAt: Millis | undefined;
  #over = false;
  /** Whether ESP is raw and nothing authentic has come by it yet … */
  #rawEspUnproven = false;
  /** … by when something has to, … */
  #rawEspDueAt: Millis | undefined;
  /** … and why it will not: the layers then end for a new beginning. */
  #rawEspFailure: string | undefined;
  #lastSent: Millis = 0;
  #lastAlive: Millis = 0;
  #rekeyAt: Millis | undefined;
  /** Set while SAs settle, before the call is made. */
  #callAt: Millis | undefined;
  /** Whether PPP holds out for the best way to sign in; not in a second call. */
  #insist = true;
  /** Set while a call ends to be made again. */
  #callsAgain = false;

  constructor(config: StackConfig) {
    this.#config = config;
    const { random, suite, localAddress, localPorts, remotePorts, natTraversal } = config;
    this.#path = new EspPath(
      suite.esp,
      { local: config.innerPort, remote: L2TP_PORT },
      config.sendSealed,
      (packet) => this.#receiveL2tp(packet),
      config.taps,
    );
    this.#ike = new Ike({
      role: 'initiator',
      primitives: suite,
      random,
      preSharedKey: config.preSharedKey,
      localAddress,
      identityAddress: randomPrivateAddress(random),
      remoteAddress: config.remoteAddress,
      localPorts,
      remotePorts,
      natTraversal,
      claimsSpis: true,
      innerLocalPort: config.innerPort,
      innerRemotePort: L2TP_PORT,
      taps: config.taps,
    });
  }

  /** Begins main mode. */
  start(now: Millis): void {
    this.#now = now;
    this.#lastSent = now;
    this.#toIke({ kind: 'start' });
  }

  get deadline(): Millis | undefined {
    return earliest(
      this.#ike?.deadline,
      this.#l2tp?.deadline,
      this.#ppp?.deadline,
      this.#ip?.deadline,
      this.#keepaliveAt,
      this.#rekeyAt,
      this.#callAt,
      this.#rawEspDueAt,
      this.#giveUpAt,
    );
  }

  get #keepaliveAt(): Millis | undefined {
    if (this.#path.sealer === undefined || this.#agreed.encapsulation === 'raw') return undefined;
    return this.#lastSent + KEEPALIVE_MILLIS;
  }

  /** One record from the relay: `bytes[start, end)` of the frame. */
  receive(channel: number, bytes: Bytes, start: number, end: number, now: Millis): void {
    this.#now = now;
    if (channel === Channel.ike) {
      this.#toIke({ kind: 'datagram', channel: 'ike', bytes: bytes.slice(start, end) });
    } else if (channel === Channel.natt) {
      if (end - start < 8) return;
      const marker = bytes[start]! | bytes[start + 1]! | bytes[start + 2]! | bytes[start + 3]!;
      if (marker !== 0) return this.#path.receive(bytes, start, end);
      this.#toIke({ kind: 'datagram', channel: 'natt', bytes: bytes.slice(start + 4, end) });
    } else if (channel === Channel.esp) {
      this.#path.receive(bytes, start, end);
    }
  }

  /** After the last record of a frame: opens what came and hands it up. */
  received(now: Millis): void {
    this.#now = now;
    if (!this.#path.openPending()) return;
    this.#rawEspUnproven = false;
    this.#rawEspDueAt = undefined;
    if (now - this.#lastAlive < ALIVE_MILLIS) return;
    this.#lastAlive = now;
    this.#toIke({ kind: 'alive' });
  }

  /** The relay heard that nothing listens at the gateway. */
  unreachable(channel: ChannelName, now: Millis): void {
    this.#now = now;
    if (channel === 'esp' && this.#rawEspUnproven) this.#giveUpRawEsp('unreachable');
    else this.#toIke({ kind: 'unreachable' });
  }

  /** The relay's answer to a claim; `refusal` says whether another SPI may be had. */
  claimAnswered(spi: number, refusal: { readonly again: boolean } | undefined, now: Millis): void {
    this.#now = now;
    if (refusal === undefined) this.#toIke({ kind: 'spi-claimed', spi });
    else this.#toIke({ kind: 'spi-refused', spi, again: refusal.again });
  }

  network(input: IpInput, now: Millis): void {
    this.#now = now;
    this.#toIp(input);
  }

  timeout(now: Millis): void {
    this.#now = now;
    if (this.#giveUpAt !== undefined && this.#giveUpAt <= now) return this.#abandon();
    if (due(this.#ike, now)) this.#toIke({ kind: 'timeout' });
    if (due(this.#l2tp, now)) this.#toL2tp({ kind: 'timeout' });
    if (due(this.#ppp, now)) this.#toPpp({ kind: 'timeout' });
    if (due(this.#ip, now)) this.#toIp({ kind: 'timeout' });
    if (this.#callAt !== undefined && this.#callAt <= now) this.#startL2tp();
    if (this.#rekeyAt !== undefined && this.#rekeyAt <= now) {
      this.#rekeyAt = undefined;
      this.#toIke({ kind: 'rekey-child' });
    }
    if ((this.#rawEspDueAt ?? Infinity) <= now) this.#giveUpRawEsp('no answer');
    if ((this.#keepaliveAt ?? Infinity) <= now) {
      this.#lastSent = now;
      this.#config.send(Channel.natt, NAT_KEEPALIVE, 0, NAT_KEEPALIVE.length);
    }
  }

  /** Seals what the layers have queued since the last call. */
  flush(): void {
    this.#path.flush();
  }

  /** Ends the layers in order, from the top; `closed` follows when the last has ended. */
  close(now: Millis, failure?: Failure): void {
    this.#now = now;
    this.#failure ??= failure;
    this.#giveUpAt ??= now + CLOSE_MILLIS;
    this.#ip = undefined;
    this.#callAt = undefined;
    this.#rawEspDueAt = undefined;
    this.#closeNext();
  }

  /** Forgets every key at once and says nothing to anybody: the way to the gateway is gone. */
  discard(): void {
    this.#over = true;
    this.#ppp = undefined;
    this.#l2tp = undefined;
    this.#ip = undefined;
    this.#ike?.handle({ kind: 'close' }, this.#now);
    this.#ike = undefined;
    this.#path.close();
  }

  /** Gives up waiting for the peer: sends what Deletes there are and forgets every key. */
  #abandon(): void {
    this.#ppp = undefined;
    this.#l2tp = undefined;
    this.#toIke({ kind: 'close' });
    this.#end();
  }

  #closeNext(): void {
    if (this.#ppp) this.#toPpp({ kind: 'close' });
    else if (this.#l2tp) this.#toL2tp({ kind: 'close' });
    else if (this.#ike) this.#toIke({ kind: 'close' });
    else this.#end();
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#path.flush();
    this.#path.close();
    this.#ike = undefined;
    const failure = this.#failure;
    const reason = this.#rawEspFailure;
    if (reason !== undefined) this.#config.emit({ kind: 'raw-esp-failed', reason });
    else
      this.#config.emit(failure === undefined ? { kind: 'closed' } : { kind: 'closed', failure });
  }

  /** Ends the layers for another try with ESP in UDP. Nobody hears L2TP's farewell. */
  #giveUpRawEsp(reason: string): void {
    if (this.#giveUpAt !== undefined) return;
    this.#rawEspFailure = reason;
    this.#l2tp = undefined;
    this.close(this.#now);
  }

  /** A layer ended: whatever is above it is gone, whatever is below is closed in order. */
  #ended(failure: Failure | undefined): void {
    if (this.#rawEspUnproven && failure !== undefined) {
      this.#giveUpRawEsp(failure.detail ?? failure.code);
    }
    this.close(this.#now, failure);
  }

  #toIke(input: Parameters<Ike['handle']>[0]): void {
    for (const output of this.#ike?.handle(input, this.#now) ?? []) this.#fromIke(output);
  }

  #fromIke(output: IkeOutput): void {
    switch (output.kind) {
      case 'transmit':
        return this.#sendIke(output.channel, output.bytes);
      case 'stage':
        return this.#stage(output.stage === 'main-mode' ? 'ike-main-mode' : 'ike-quick-mode');
      case 'ike-established':
        this.#agreed.ike = output.algorithms;
        this.#agreed.encapsulation = output.encapsulation;
        this.#rawEspUnproven = output.encapsulation === 'raw';
        return;
      case 'claim-spi':
        return this.#config.control({ type: 'claim', spi: output.spi });
      case 'release-spi':
        return this.#config.control({ type: 'release', spi: output.spi });
      case 'child-established':
        this.#path.use(
          output.inbound,
          output.outbound,
          output.encapsulation === 'raw' ? Channel.esp : Channel.natt,
        );
        this.#agreed.esp = output.transform;
        this.#rekeyAt = this.#now + output.lifetimeSeconds * 1000 * REKEY_AT;
        if (this.#l2tp === undefined && this.#giveUpAt === undefined)
          this.#callAt ??= this.#now + SETTLE_MILLIS;
        return;
      case 'rekey-failed':
        this.#rekeyAt = this.#now + REKEY_RETRY_MILLIS;
        return;
      case 'child-deleted':
        this.#path.forget(output.spi);
        if (this.#path.sealer === undefined && this.#giveUpAt === undefined) {
          this.#l2tp = undefined;
          this.#ppp = undefined;
          this.#ended({ code: 'IKE_CLOSED_BY_PEER' });
        }
        return;
      case 'closed':
        this.#ike = undefined;
        this.#l2tp = undefined;
        this.#ppp = undefined;
        return this.#ended(output.failure);
      case 'trace':
        return this.#config.emit(output);
    }
  }

  #sendIke(channel: 'ike' | 'natt', bytes: Bytes): void {
    this.#path.flush();
    const { send } = this.#config;
    if (channel === 'ike') {
      send(Channel.ike, bytes, 0, bytes.length);
    } else {
      const marked = new Uint8Array(NON_ESP_MARKER.length + bytes.length);
      marked.set(bytes, NON_ESP_MARKER.length);
      send(Channel.natt, marked, 0, marked.length);
    }
  }

  #startL2tp(): void {
    this.#callAt = undefined;
    if (this.#rawEspUnproven) this.#rawEspDueAt = this.#now + RAW_ESP_MILLIS;
    this.#stage('l2tp');
    const { random, suite } = this.#config;
    this.#l2tp = new L2tp({
      role: 'lac',
      random,
      hostName: 'culvert',
      primitives: suite,
      helloInterval: HELLO_MILLIS,
    });
    this.#toL2tp({ kind: 'open' });
  }

  #toL2tp(input: Parameters<L2tp['handle']>[0]): void {
    for (const output of this.#l2tp?.handle(input, this.#now) ?? []) this.#fromL2tp(output);
  }

  #fromL2tp(output: L2tpOutput): void {
    switch (output.kind) {
      case 'transmit':
        return this.#send(output.bytes, false);
      case 'stage':
        return;
      case 'session-established':
        return this.#startPpp();
      case 'closed': {
        // A gateway that refuses a password may hang up L2TP before PPP has told why.
        const failure = this.#ppp?.failure ?? output.failure;
        const again = this.#mayCallAgain(failure);
        this.#l2tp = undefined;
        this.#ppp = undefined;
        if (!again) return this.#ended(failure);
        this.#callsAgain = false;
        this.#callAt = this.#now + SETTLE_MILLIS;
        return;
      }
      case 'trace':
        return this.#config.emit(output);
    }
  }

  #startPpp(): void {
    const { random, suite, userName, password, authMethods, outerMtu } = this.#config;
    if (this.#path.sealer === undefined) return;
    this.#ppp = new Ppp({
      role: 'client',
      random,
      primitives: suite,
      mru: innerMtu(outerMtu, this.#agreed.encapsulation, this.#path.sealer),
      credentials: { userName, password },
      methods: authMethods,
      insist: this.#insist,
      ipv6: true,
    });
    this.#toPpp({ kind: 'up' });
  }

  #toPpp(input: Parameters<Ppp['handle']>[0]): void {
    for (const output of this.#ppp?.handle(input, this.#now) ?? []) this.#fromPpp(output);
  }

  #fromPpp(output: PppOutput): void {
    switch (output.kind) {
      case 'transmit':
        return this.#send(output.bytes, true);
      case 'stage':
        this.#carriesIp = false;
        if (output.stage === 'link') this.#stage('ppp-link');
        else this.#stage(output.stage === 'authentication' ? 'ppp-authentication' : 'ppp-address');
        return;
      case 'authenticated':
        this.#agreed.authentication = output.method;
        return;
      case 'network-up':
        this.#startNetwork(output);
        return;
      case 'ipv6-up':
        this.#interfaceId = output.interfaceId;
        this.#toIp(output);
        return;
      case 'ipv6-down':
        this.#interfaceId = undefined;
        this.#toIp(output);
        return;
      case 'closed': {
        const again = this.#mayCallAgain(output.failure);
        this.#ppp = undefined;
        return again ? this.#toL2tp({ kind: 'close' }) : this.#ended(output.failure);
      }
      case 'trace':
        return this.#config.emit(output);
    }
  }

  /** A gateway that gave up because PPP held out for better is called once more and taken at its first offer. */
  #mayCallAgain(failure: Failure | undefined): boolean {
    if (this.#giveUpAt !== undefined) return false;
    if (failure?.code === 'PPP_NO_AUTH_PROTOCOL' && this.#ppp?.heldOut) {
      this.#insist = false;
      this.#callsAgain = true;
    }
    return this.#callsAgain;
  }

  #startNetwork(link: Extract<PppOutput, { kind: 'network-up' }>): void {
    const { random, suite, gateway, outerMtu, emit, searchList } = this.#config;
    if (this.#path.sealer === undefined) return;
    const mtu = Math.min(
      link.mtu,
      innerMtu(outerMtu, this.#agreed.encapsulation, this.#path.sealer),
    );
    this.#carriesIp = true;
    if (this.#network !== undefined) return this.#networkAgain(this.#network, link.address, mtu);
    this.#network = { address: link.address, mtu };
    const sink: PacketSink = {
      mtu,
      take: () => this.#path.take(),
      send: (packet) => this.#sendIp(packet),
    };
    this.#ip = new IpStack({
      address: link.address,
      nameServers: link.nameServers,
      searchList,
      random,
      sink,
      primitives: suite,
    });
    if (this.#interfaceId) this.#toIp({ kind: 'ipv6-up', interfaceId: this.#interfaceId });
    emit({ kind: 'connected', session: describeSession(gateway, link, mtu, this.#agreed) });
  }

  /** PPP was negotiated anew: what stands on it lives on if nothing has changed for it. */
  #networkAgain(before: { address: Bytes; mtu: number }, address: Bytes, mtu: number): void {
    if (constantTimeEqual(before.address, address) && mtu >= before.mtu) return;
    const detail = 'the gateway assigned another address';
    this.#ended({ code: 'PPP_CLOSED_BY_PEER', detail });
  }

  #toIp(input: IpInput): void {
    for (const output of this.#ip?.handle(input, this.#now) ?? []) {
      this.#config.emit({ kind: 'network', output });
    }
  }

  #sendIp(packet: Packet): void {
    if (this.#ppp === undefined || this.#l2tp === undefined) return;
    const isIpv6 = packet.bytes[packet.start]! >>> 4 === 6;
    if (isIpv6 ? this.#interfaceId === undefined : !this.#carriesIp) return;
    this.#ppp.encapsulate(packet, isIpv6 ? PppProtocol.ipv6 : PppProtocol.ipv4);
    this.#l2tp.encapsulate(packet);
    this.#lastSent = this.#now;
    this.#path.send(packet);
  }

  /** Control traffic of L2TP, or a PPP frame to wrap in its data header. */
  #send(bytes: Bytes, isFrame: boolean): void {
    const packet = this.#path.take();
    packet.bytes.set(bytes, packet.start);
    packet.end = packet.start + bytes.length;
    if (isFrame) {
      if (this.#l2tp === undefined) return;
      this.#l2tp.encapsulate(packet);
    }
    this.#lastSent = this.#now;
    this.#path.send(packet);
  }

  /** The data path up: L2TP, PPP and IP headers come off in place. */
  #receiveL2tp(packet: Packet): void {
    if (this.#l2tp === undefined) return;
    if (isControl(packet)) {
      this.#toL2tp({ kind: 'datagram', bytes: packet.bytes.slice(packet.start, packet.end) });
      return;
    }
    if (!this.#l2tp.decapsulate(packet, this.#now) || this.#ppp === undefined) return;
    const frameStart = packet.start;
    const protocol = this.#ppp.decapsulate(packet, this.#now);
    if (packet.start !== frameStart) this.#toIp({ kind: 'packet', packet });
    else if (protocol !== 0) {
      this.#toPpp({ kind: 'frame', bytes: packet.bytes.slice(frameStart, packet.end) });
    }
  }

  #stage(stage: Stage): void {
    if (this.#giveUpAt === undefined) this.#config.emit({ kind: 'stage', stage });
  }
}

function due(machine: { readonly deadline: Millis | undefined } | undefined, now: Millis): boolean {
  return machine?.deadline !== undefined && machine.deadline <= now;
}

/**
 * Each session claims to be a host of its own behind a NAT, so that a gateway keeps apart the many that
 * share the relay's address.
 * @rfc 1918 §3
 */
function randomPrivateAddress(random: Random): Bytes {
  const [a, b, c] = random.bytes(3);
  return Uint8Array.of(10, a!, b!, 1 + (c! % 254));
}
