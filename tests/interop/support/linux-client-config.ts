/**
 * The configuration of a native Linux client: strongSwan, xl2tpd and pppd as people set them up to dial an L2TP/IPsec
 * gateway by hand.
 */
import { STRONGSWAN_CONF } from './linux-gateway-config.ts';
import { SERVE_JOBS } from './linux-guest.ts';

export const CLIENT_TAP = 'client-tap';
const CLIENT_ADDRESS = '192.0.2.2';
/** The playground, as it is dialled. */
export const PLAYGROUND_ADDRESS = '192.0.2.1';

/** Where a client is. */
export interface ClientPlace {
  readonly address: string;
  readonly gateway: string;
  /** What it reaches through the tunnel, as a route has it. */
  readonly behind: string;
}

const AT_PLAYGROUND: ClientPlace = {
  address: CLIENT_ADDRESS,
  gateway: PLAYGROUND_ADDRESS,
  behind: '10.99.0.0/24',
};

export interface ClientAccount {
  readonly preSharedKey: string;
  readonly userName: string;
  readonly password: string;
}

export interface ClientPolicy {
  /** strongSwan's words; its own defaults when left out. */
  readonly ike?: string;
  readonly esp?: string;
  /** The gateway's port of NAT traversal where it is not 4500: strongSwan then begins there, from its own. */
  readonly port?: number;
  /** What pppd is to refuse, so that the gateway has to do with the rest. */
  readonly refuse?: readonly ('mschap-v2' | 'chap')[];
}

function clientIpsecConf(
  { ike, esp, port }: ClientPolicy,
  { address, gateway }: ClientPlace = AT_PLAYGROUND,
): string {
  return `config setup
conn playground
  keyexchange=ikev1
  type=transport
  authby=secret
${ike === undefined ? '' : `  ike=${ike}!\n`}${esp === undefined ? '' : `  esp=${esp}!\n`}${
  port === undefined ? '' : `  leftikeport=4500\n  rightikeport=${port}\n`
}  left=${address}
  leftprotoport=17/1701
  right=${gateway}
  rightprotoport=17/1701
  auto=add
`;
}

function clientPppOptions(
  { userName, password }: ClientAccount,
  { refuse = [] }: ClientPolicy,
): string {
  return `name ${userName}
password ${password}
refuse-eap
refuse-mschap
${refuse.map((method) => `refuse-${method}\n`).join('')}noauth
noccp
nobsdcomp
nodefaultroute
usepeerdns
ipcp-accept-local
ipcp-accept-remote
mtu 1400
mru 1400
debug
logfile /cfg/log/pppd.log
`;
}

const xl2tpdConf = ({ gateway }: ClientPlace): string => `[global]
port = 1701
[lac playground]
lns = ${gateway}
pppoptfile = /etc/ppp/options.playground
length bit = yes
`;

const rc = ({ address }: ClientPlace): string => `exec 2>&1
cp -a /cfg/etc/. /etc/
chmod 600 /etc/ipsec.secrets /etc/ppp/options.playground
mkdir -p /run/xl2tpd /run/lock /var/run/xl2tpd /run/ppp
hostname client
ip link set lo up
ip addr add ${address}/24 dev vec0
ip link set vec0 up
modprobe -a esp4 xfrm_user l2tp_ppp ppp_async authenc cbc gcm ctr hmac echainiv seqiv des_generic ghash-generic
[ -e /dev/ppp ] || mknod /dev/ppp c 108 0
ipsec start
until ipsec statusall 2>/dev/null | grep -q Listening; do usleep 100000; done
xl2tpd -D -c /etc/xl2tpd/xl2tpd.conf > /cfg/log/xl2tpd.log 2>&1 &
until grep -q ':06A5' /proc/net/udp; do usleep 100000; done
${SERVE_JOBS}`;

/** Everything under the guest's `/cfg`, by path. */
export function clientFiles(
  account: ClientAccount,
  place: ClientPlace = AT_PLAYGROUND,
): Readonly<Record<string, string>> {
  return {
    rc: rc(place),
    'etc/ipsec.conf': 'config setup\n',
    'etc/ipsec.secrets': `%any %any : PSK "${account.preSharedKey}"\n`,
    'etc/strongswan.d/culvert.conf': STRONGSWAN_CONF,
    'etc/ppp/options.playground': clientPppOptions(account, {}),
    'etc/xl2tpd/xl2tpd.conf': xl2tpdConf(place),
  };
}

/** The script that dials: keys first, then the call, until there is an address. Its last line is that address. */
export function dialScript(
  account: ClientAccount,
  policy: ClientPolicy,
  place: ClientPlace = AT_PLAYGROUND,
): string {
  return `set -e
cat > /etc/ipsec.conf <<'END'
${clientIpsecConf(policy, place)}END
cat > /etc/ppp/options.playground <<'END'
${clientPppOptions(account, policy)}END
ipsec update
for i in $(seq 50); do ipsec statusall | grep -q '^ *playground:' && break; usleep 100000; done
ipsec up playground | tee /dev/stderr | grep -q 'established successfully'
echo 'c playground' > /var/run/xl2tpd/l2tp-control
for i in $(seq 150); do ip route add ${place.behind} dev ppp0 2> /dev/null && break; usleep 100000; done
ip addr show dev ppp0 | sed -n 's/.*inet \\([0-9.]*\\).*/\\1/p'
`;
}

/** The script that hangs up, call first, and waits until both are gone. */
export const HANG_UP = `echo 'd playground' > /var/run/xl2tpd/l2tp-control
for i in $(seq 100); do ip link show dev ppp0 > /dev/null 2>&1 || break; usleep 100000; done
ipsec down playground
ipsec statusall
`;
