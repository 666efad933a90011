/** What an organisation's Linux laptop has in our place: strongSwan, xl2tpd and pppd as the client, in a guest of its own. */
import type { GuestSystem } from '../../scripts/support/guest.ts';
import {
  CLIENT_TAP,
  clientFiles,
  dialScript,
} from '../../tests/interop/support/linux-client-config.ts';
import { LINUX_PSK, LINUX_USERS } from '../../tests/interop/support/linux-gateway-config.ts';
import { LinuxGuest } from '../../tests/interop/support/linux-guest.ts';
import type { Namespace } from '../../tests/interop/support/namespace.ts';
import { GATEWAY_ADDRESS } from '../../tests/interop/support/network.ts';

const ADDRESS = '10.99.1.3';
const ACCOUNT = { preSharedKey: LINUX_PSK, userName: 'bob', password: LINUX_USERS.bob };
const CONNECT_WAIT_MS = 60_000;
const TRANSFER_WAIT_MS = 600_000;

export interface NativeClientOptions {
  readonly guest: GuestSystem;
  /** Has the bridge `wan` that the gateway is at. */
  readonly namespace: Namespace;
  readonly folder: string;
  /** strongSwan's word for the ESP proposal. */
  readonly esp: string;
  /** Behind the gateway. */
  readonly server: string;
}

export class NativeClient {
  readonly #guest: LinuxGuest;
  readonly #server: string;

  private constructor(guest: LinuxGuest, server: string) {
    this.#guest = guest;
    this.#server = server;
  }

  /** Resolves when it is connected. */
  static async start({ esp, server, ...options }: NativeClientOptions): Promise<NativeClient> {
    const { namespace } = options;
    namespace.tap(CLIENT_TAP);
    namespace.ip('link', 'set', CLIENT_TAP, 'master', 'wan', 'up');
    const place = { address: ADDRESS, gateway: GATEWAY_ADDRESS, behind: `${server}/32` };
    const guest = await LinuxGuest.start({
      ...options,
      name: 'native client',
      taps: [CLIENT_TAP],
      files: clientFiles(ACCOUNT, place),
      logs: ['charon.log', 'xl2tpd.log', 'pppd.log'],
    });
    try {
      await guest.run(dialScript(ACCOUNT, { esp }, place), CONNECT_WAIT_MS);
    } catch (error) {
      await guest.stop();
      throw new Error(`${error}\n${guest.log}`);
    }
    return new NativeClient(guest, server);
  }

  /** Fetches the first `bytes` of `/file`, or sends as many to `/upload`; answers how long that took in milliseconds. */
  async transfer(direction: 'download' | 'upload', bytes: number): Promise<number> {
    const server = this.#server;
    const head = `PUT /upload HTTP/1.1\\r\\nHost: ${server}\\r\\nContent-Length: ${bytes}\\r\\nConnection: close\\r\\n\\r\\n`;
    const work =
      direction === 'download'
        ? `wget -q -O - http://${server}/file | head -c ${bytes} | wc -c | grep -qx ${bytes}`
        : `{ printf '${head}'; head -c ${bytes} /dev/zero; } | nc ${server} 80 | grep -q ' 20[14] '`;
    // The guest's own clock: the job's way in and out does not count.
    const output = await this.#guest.run(
      `read began rest < /proc/uptime; ${work} || exit 1; read ended rest < /proc/uptime; echo $began $ended`,
      TRANSFER_WAIT_MS,
    );
    const [began, ended] = output.trim().split(' ').map(Number);
    return 1000 * (ended! - began!);
  }

  stop(): Promise<void> {
    return this.#guest.stop();
  }
}
