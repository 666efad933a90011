/**
 * The layers of one tunnel, stacked: IKE, ESP, L2TP, PPP, IP. Each is a machine of its own that knows nothing
 * of the others; here their outputs become the next one's inputs. Client role. L2TP and PPP are in `call.ts`.
 * @rfc 3193 §3
 */
import type { Failure } from '../errors.ts';
import { Ike } from '../ike/ike.ts';
import type { IkeOutput } from '../ike/io.ts';
import { espTransforms } from '../ike/phase2-transforms.ts';
import type { IpInput } from '../ip/messages.ts';
import { IpStack } from '../ip/stack.ts';
import { Channel, type ChannelName } from '../relay/channels.ts';
import { type Bytes, constantTimeEqual, type Millis, type Random } from '../wire/bytes.ts';
import { earliest, isDue } from '../wire/machine.ts';
import type { PacketSink } from '../wire/packet.ts';
import { Call, type CallOutput } from './call.ts';
import { EspPath } from './esp-path.ts';
import { innerMtu } from './mtu.ts';
import { type Agreed, describeSession } from './session.ts';
import type { StackConfig, Stage } from './stack-config.ts';

/** L2TP's registered port (RFC 2661 §8.1): the gateway's side, inside ESP. */
const L2TP_PORT = 1701;

/** A NAT forgets a mapping that is silent for longer (RFC 3948 §4). */
const KEEPALIVE_MILLIS = 20_000;

/** How long an orderly end may take before it is cut short. */
const CLOSE_MILLIS = 2_500;

/**
 * How long L2TP may go unanswered by raw ESP before ESP in UDP is tried: a firewall that drops protocol 50 says nothing. It is
 * time for three requests.
 */
const RAW_ESP_MILLIS = 5_000;

/** IKE hears of authentic traffic, and how much it was, at most this often. */
const ALIVE_MILLIS = 250;

const NON_ESP_MARKER: Bytes = new Uint8Array(4);
const NAT_KEEPALIVE: Bytes = Uint8Array.of(0xff);

export class Stack {
  readonly #config: StackConfig;
  readonly #path: EspPath;
  readonly #call: Call;
  readonly #agreed: Agreed = { encapsulation: 'udp' };
  #ike: Ike | undefined;
  #ip: IpStack | undefined;
  /** What the IP stack was made with. */
  #network: { readonly address: Bytes; readonly mtu: number } | undefined;
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
  /** Where the gateway wants to be called instead; the layers then end for that. */
  #elsewhere: string | undefined;
  #lastSent: Millis = 0;
  #lastAlive: Millis = 0;

  constructor(config: StackConfig) {
    this.#config = config;
    const { random, suite, localAddress, localPorts, remotePorts, natTraversal } = config;
    this.#path = new EspPath(
      suite.esp,
      { local: config.innerPort, remote: L2TP_PORT },
      config.sendSealed,
      (packets) => {
        this.#espProven();
        this.#call.receive(packets, this.#now);
      },
      config.taps,
    );
    const { userName, password, authMethods } = config;
    this.#call = new Call({
      random,
      suite,
      userName,
      password,
      authMethods,
      link: {
        take: () => this.#path.take(),
        send: (packet) => {
          this.#lastSent = this.#now;
          this.#path.send(packet);
        },
        begin: () => this.#path.peer.begin(),
        settle: () => this.#settle(),
      },
      mtu: () => this.#mtu,
      deliver: (packets) => this.#toIp({ kind: 'packets', packets }),
      emit: (output) => this.#fromCall(output),
    });
    this.#ike = new Ike({
      role: 'initiator',
      primitives: suite,
      random,
      credentials: config.credentials,
      localAddress,
      identityAddress: randomPrivateAddress(random),
      remoteAddress: config.remoteAddress,
      localPorts,
      remotePorts,
      natTraversal,
      ...(config.ikeLifetime && { ikeLifetime: config.ikeLifetime }),
      ...(config.childLifetime && { childLifetime: config.childLifetime }),
      ...(config.phase1 && { phase1: config.phase1 }),
      ...(config.esp && { phase2: espTransforms(config.esp) }),
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
      this.#call.deadline,
      this.#ip?.deadline,
      this.#keepaliveAt,
      this.#path.sas.deadline,
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
    this.#espProven();
    if (now - this.#lastAlive < ALIVE_MILLIS) return;
    this.#lastAlive = now;
    this.#toIke({ kind: 'alive' });
    const { usage } = this.#path.sas;
    if (usage !== undefined) this.#toIke({ kind: 'used', ...usage });
  }

  #espProven(): void {
    this.#rawEspUnproven = false;
    this.#rawEspDueAt = undefined;
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
    if (isDue(this.#ike, now)) this.#toIke({ kind: 'timeout' });
    if (isDue(this.#call, now)) this.#call.timeout(now);
    if (isDue(this.#ip, now)) this.#toIp({ kind: 'timeout' });
    this.#path.sas.timeout(now);
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
    this.#rawEspDueAt = undefined;
    this.#closeNext();
  }

  /** Forgets every key at once and says nothing to anybody: the way to the gateway is gone. */
  discard(): void {
    this.#over = true;
    this.#call.discard();
    this.#ip = undefined;
    this.#ike?.handle({ kind: 'close' }, this.#now);
    this.#ike = undefined;
    this.#path.close();
  }

  /** Gives up waiting for the peer: sends what Deletes there are and forgets every key. */
  #abandon(): void {
    this.#call.discard();
    this.#toIke({ kind: 'close' });
    this.#end();
  }

  #closeNext(): void {
    if (this.#call.close(this.#now)) return;
    if (this.#ike) this.#toIke({ kind: 'close' });
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
    const address = this.#elsewhere;
    if (address !== undefined) return this.#config.emit({ kind: 'try-another', address });
    if (reason !== undefined) this.#config.emit({ kind: 'raw-esp-failed', reason });
    else
      this.#config.emit(failure === undefined ? { kind: 'closed' } : { kind: 'closed', failure });
  }

  /** Ends the layers for another try with ESP in UDP. Nobody hears L2TP's farewell. */
  #giveUpRawEsp(reason: string): void {
    if (this.#giveUpAt !== undefined) return;
    this.#rawEspFailure = reason;
    this.#call.discard();
    this.close(this.#now);
  }

  /** A layer ended: whatever is above it is gone, whatever is below is closed in order. */
  #ended(failure: Failure | undefined): void {
    if (this.#rawEspUnproven && failure !== undefined) {
      this.#giveUpRawEsp(failure.detail ?? failure.code);
    }
    this.close(this.#now, failure);
  }

  /** Without an ESP SA, and none on its way, nothing passes any more. */
  #endIfBare(failure: Failure): void {
    if (this.#path.sealer !== undefined || this.#giveUpAt !== undefined) return;
    this.#call.discard();
    this.#ended(failure);
  }

  #toIke(input: Parameters<Ike['handle']>[0]): void {
    for (const output of this.#ike?.handle(input, this.#now) ?? []) this.#fromIke(output);
  }

  #fromIke(output: IkeOutput): void {
    switch (output.kind) {
      case 'transmit':
        return this.#sendIke(output.channel, output.bytes);
      case 'stage':
        return this.#stage(output.stage === 'phase-1' ? 'ike-phase-1' : 'ike-phase-2');
      case 'ike-established':
        this.#agreed.ike = output.algorithms;
        this.#agreed.ikeAuthentication = output.authentication;
        if (output.caveat !== undefined) this.#agreed.caveat = output.caveat;
        this.#agreed.encapsulation = output.encapsulation;
        this.#rawEspUnproven = output.encapsulation === 'raw';
        return;
      case 'claim-spi':
        return this.#config.control({ type: 'claim', spi: output.spi });
      case 'release-spi':
        return this.#config.control({ type: 'release', spi: output.spi });
      case 'child-inbound':
        return this.#path.sas.open(output.inbound);
      case 'child-confirmed':
        return this.#path.sas.confirm(output.spi);
      case 'child-established':
        this.#path.sas.add(
          output.inbound,
          output.outbound,
          output.encapsulation === 'raw' ? Channel.esp : Channel.natt,
          output.initiatedBy === 'peer',
          this.#now,
        );
        this.#path.peer.negotiated(output.peerPort);
        this.#agreed.esp = output.transform;
        if (this.#giveUpAt === undefined) this.#call.place(this.#now);
        return;
      case 'rekey-failed': {
        const { code, detail } = output.failure;
        const trace = { kind: 'trace', layer: 'ike', event: 'rekey-failed' } as const;
        this.#config.emit({ ...trace, detail: detail ?? code });
        if (!output.isReplaced) this.#endIfBare(output.failure);
        return;
      }
      case 'child-deleted':
        this.#path.sas.forget(output.spi);
        if (!output.isReplaced) this.#endIfBare({ code: 'IKE_CLOSED_BY_PEER' });
        return;
      case 'closed':
        this.#ike = undefined;
        this.#call.discard();
        return this.#ended(output.failure);
      case 'trace':
        return this.#config.emit(output);
    }
  }

  /** L2TP stands, at whatever port of the gateway's: our later SAs are for that one. @rfc 3193 §4.2.4 */
  #settle(): void {
    const { peer } = this.#path;
    peer.settle();
    this.#toIke({ kind: 'port-moved', whose: 'peer', port: peer.current });
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

  #fromCall(output: CallOutput): void {
    switch (output.kind) {
      case 'stage':
        if (output.stage === 'l2tp' && this.#rawEspUnproven)
          this.#rawEspDueAt = this.#now + RAW_ESP_MILLIS;
        return this.#stage(output.stage);
      case 'authenticated':
        this.#agreed.authentication = output.method;
        return;
      case 'network-up':
        return this.#startNetwork(output);
      case 'ipv6-up':
      case 'ipv6-down':
        return this.#toIp(output);
      case 'ended':
        if (this.#giveUpAt === undefined) this.#elsewhere = output.elsewhere;
        return this.#ended(output.failure);
      case 'trace':
        return this.#config.emit(output);
    }
  }

  /** The largest IP packet that the outbound SA has room for. */
  get #mtu(): number | undefined {
    const { sealer } = this.#path;
    return sealer && innerMtu(this.#config.outerMtu, this.#agreed.encapsulation, sealer);
  }

  #startNetwork(link: Extract<CallOutput, { kind: 'network-up' }>): void {
    const { random, suite, gateway, emit, searchList } = this.#config;
    const room = this.#mtu;
    if (room === undefined) return;
    const mtu = Math.min(link.mtu, room);
    if (this.#network !== undefined) return this.#networkAgain(this.#network, link.address, mtu);
    this.#network = { address: link.address, mtu };
    const sink: PacketSink = {
      mtu,
      take: () => this.#path.take(),
      send: (packet) => this.#call.sendIp(packet),
    };
    this.#ip = new IpStack({
      address: link.address,
      nameServers: link.nameServers,
      searchList,
      random,
      sink,
      primitives: suite,
      spare: this.#config.spare,
    });
    const { interfaceId } = this.#call;
    if (interfaceId) this.#toIp({ kind: 'ipv6-up', interfaceId });
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

  #stage(stage: Stage): void {
    if (this.#giveUpAt === undefined) this.#config.emit({ kind: 'stage', stage });
  }
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
