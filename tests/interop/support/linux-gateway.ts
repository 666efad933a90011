/**
 * A real L2TP/IPsec gateway: strongSwan, xl2tpd and pppd over the ESP, L2TP and PPP of a Linux kernel, which runs
 * as a guest in the gateway's namespace.
 */
import type { GuestSystem } from '../../../scripts/support/guest.ts';
import {
  guestFiles,
  ipsecConf,
  LAN_TAP,
  type Policy,
  pppOptions,
  WAN_TAP,
} from './linux-gateway-config.ts';
import { LinuxGuest } from './linux-guest.ts';
import type { Namespace } from './namespace.ts';

const LOGS = ['charon.log', 'xl2tpd.log', 'pppd.log', 'ipv6-up.log', 'radvd.log'];

export interface LinuxGatewayOptions {
  readonly guest: GuestSystem;
  /** Has the two TAP devices. */
  readonly namespace: Namespace;
  /** An empty folder to live in. */
  readonly folder: string;
}

export class LinuxGateway {
  readonly #guest: LinuxGuest;
  #policies = 0;

  private constructor(guest: LinuxGuest) {
    this.#guest = guest;
  }

  /** Resolves when its services listen. */
  static async start({ guest, namespace, folder }: LinuxGatewayOptions): Promise<LinuxGateway> {
    return new LinuxGateway(
      await LinuxGuest.start({
        guest,
        name: 'Linux gateway',
        namespace,
        taps: [WAN_TAP, LAN_TAP],
        files: guestFiles(),
        logs: LOGS,
        folder,
      }),
    );
  }

  get alive(): boolean {
    return this.#guest.alive;
  }

  /** The console, then what the services wrote. */
  get log(): string {
    return this.#guest.log;
  }

  /** One service's log: `charon.log`, `xl2tpd.log` or `pppd.log`. */
  logOf(name: string): string {
    return this.#guest.logOf(name);
  }

  /** Runs a shell script inside, as root. Resolves with what it wrote; throws when it fails. */
  run(script: string): Promise<string> {
    return this.#guest.run(script);
  }

  /** What it accepts from now on. */
  async configure(policy: Policy): Promise<void> {
    const name = `policy-${++this.#policies}`;
    await this.run(`set -e
cat > /etc/ipsec.conf <<'END'
${ipsecConf(name, policy)}END
cat > /etc/ppp/options.xl2tpd <<'END'
${pppOptions(policy)}END
ipsec update
for i in $(seq 100); do ipsec statusall | grep -q "^ *${name}:" && exit 0; usleep 100000; done
exit 1`);
  }

  /** The kernel's IPsec security associations, as `ip xfrm state` has them. The shell's own `ip` knows none. */
  securityAssociations(): Promise<string> {
    return this.run('/bin/ip xfrm state');
  }

  /** Stops the guest in order. */
  stop(): Promise<void> {
    return this.#guest.stop();
  }
}
