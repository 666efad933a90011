/**
 * The configuration of the Linux gateway: strongSwan, xl2tpd and pppd as Debian's packages have them, with the
 * least that makes an L2TP/IPsec server of them.
 */
import { AUTHENTICATION, KEY_SECRETS, type Keys, keyFiles } from './linux-gateway-keys.ts';
import { SERVE_JOBS } from './linux-guest.ts';
import { GATEWAY_ADDRESS } from './network.ts';
import { INTRANET_ADDRESS } from './softether-config.ts';

export const LINUX_PSK = 'cormorant-over-dike-2260';

/** Users of the gateway; every one may sign in with every method. */
export const LINUX_USERS = {
  alice: 'alice-at-the-lock-41',
  bob: 'bob-at-the-lock-42',
  carol: 'carol-at-the-lock-43',
  dave: 'dave-at-the-lock-44',
} as const;

export const WAN_TAP = 'wan-tap';
export const LAN_TAP = 'lan-tap';
/** The gateway in the network behind it, where the intranet's server is `INTRANET_ADDRESS`. */
export const LAN_ADDRESS = '10.30.0.254';
/** What PPP hands out, and the gateway's own end of it. */
export const PPP_NETWORK = '192.168.42.0/24';
const PPP_ADDRESS = '192.168.42.1';
/** What its router advertisements name; the gateway is ::1 in it, and answers there. */
export const IPV6_PREFIX = '2001:db8:42::';
const PPP_RANGE = '192.168.42.10-192.168.42.250';

/** What pppd demands: CHAP-MD5 is what it begins with when it would take either, as with most installations. */
export type SignIn = 'mschapv2 or chap' | 'chap' | 'pap';

const SIGN_IN: Readonly<Record<SignIn, readonly string[]>> = {
  'mschapv2 or chap': ['require-chap', 'require-mschap-v2'],
  chap: ['require-chap'],
  pap: ['require-pap'],
};

export interface Policy {
  /** strongSwan's words, e.g. `aes256-sha256-modp2048`; its own defaults when left out. */
  readonly ike?: string;
  readonly esp?: string;
  readonly signIn?: SignIn;
  /** HMAC-SHA-256 is cut to 96 bits, as before Linux 2.6.33. */
  readonly truncatedSha256?: boolean;
  /** IPv6 for those who call: addresses of `IPV6_PREFIX`. */
  readonly ipv6?: boolean;
  /** Of an IPsec SA, in seconds; the gateway renews it halfway. */
  readonly lifetime?: number;
  /** Of an IKE SA, in seconds; the gateway begins another one as long before its end as it does with an IPsec SA. */
  readonly ikeLifetime?: number;
  /** What proves who both ends are; the pre-shared key when left out. */
  readonly keys?: Keys;
  /** Aggressive mode for those who name this group. */
  readonly group?: string;
  /** XAUTH on top, with an account of `LINUX_USERS`. */
  readonly xauth?: boolean;
}

/** One connection for everybody with the key. Its name tells whether this very file is loaded. */
export function ipsecConf(name: string, policy: Policy): string {
  const { ike, esp, lifetime, ikeLifetime, truncatedSha256 = false } = policy;
  return `config setup
conn ${name}
  keyexchange=ikev1
  type=transport
${authentication(policy)}${ike === undefined ? '' : `  ike=${ike}!\n`}${esp === undefined ? '' : `  esp=${esp}!\n`}${
  lifetime === undefined
    ? ''
    : `  lifetime=${lifetime}s\n  margintime=${lifetime / 2}s\n  rekeyfuzz=0%\n`
}${ikeLifetime === undefined ? '' : `  ikelifetime=${ikeLifetime}s\n`}${truncatedSha256 ? '  sha256_96=yes\n' : ''}  left=${GATEWAY_ADDRESS}
  leftprotoport=17/1701
  right=%any
  rightprotoport=17/%any
  auto=add
`;
}

function authentication({ keys, group, xauth = false }: Policy): string {
  if (keys !== undefined) return AUTHENTICATION[keys];
  const named = group === undefined ? '' : `  aggressive=yes\n  rightid=@#${hex(group)}\n`;
  return `  authby=${xauth ? 'xauthpsk\n  xauth=server' : 'secret'}\n${named}`;
}

/** As strongSwan has an ID_KEY_ID. */
function hex(text: string): string {
  return Buffer.from(text).toString('hex');
}

export function pppOptions({ signIn = 'mschapv2 or chap', ipv6 }: Policy): string {
  return `${SIGN_IN[signIn].join('\n')}
${ipv6 === true ? '+ipv6' : 'noipv6'}
ms-dns ${INTRANET_ADDRESS}
noccp
auth
mtu 1400
mru 1400
nodefaultroute
lcp-echo-interval 30
lcp-echo-failure 4
debug
logfile /cfg/log/pppd.log
`;
}

const XL2TPD_CONF = `[global]
port = 1701
[lns default]
ip range = ${PPP_RANGE}
local ip = ${PPP_ADDRESS}
require authentication = yes
name = gateway
pppoptfile = /etc/ppp/options.xl2tpd
length bit = yes
`;

export const STRONGSWAN_CONF = `charon {
  i_dont_care_about_security_and_use_aggressive_mode_psk = yes
  filelog {
    main {
      path = /cfg/log/charon.log
      default = 1
      time_format = %T
      flush_line = yes
    }
  }
}
`;

/** The guest's script after the root is mounted: network, services, then jobs one after the other. */
const RC = `exec 2>&1
cp -a /cfg/etc/. /etc/
chmod 600 /etc/ppp/chap-secrets /etc/ipsec.secrets
mkdir -p /run/xl2tpd /run/lock /var/run/xl2tpd
hostname gateway
ip link set lo up
ip addr add ${GATEWAY_ADDRESS}/24 dev vec0
ip addr add ${LAN_ADDRESS}/24 dev vec1
ip link set vec0 up
ip link set vec1 up
modprobe ipv6
modprobe -a esp4 xfrm_user l2tp_ppp ppp_async authenc cbc gcm ctr hmac echainiv seqiv des_generic ghash-generic md5 sha512_generic iptable_filter xt_policy
[ -e /dev/ppp ] || mknod /dev/ppp c 108 0
chmod 755 /etc/ppp/ipv6-up /etc/ppp/ipv6-down
echo 1 > /proc/sys/net/ipv4/ip_forward
echo 1 > /proc/sys/net/ipv6/conf/all/forwarding
for file in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 > $file; done
# Nothing gets to L2TP that did not come out of IPsec.
iptables-legacy -I INPUT -p 17 --dport 1701 -m policy --dir in --pol none -j DROP || exit 1
ipsec start
until ipsec statusall 2>/dev/null | grep -q Listening; do usleep 100000; done
xl2tpd -D -c /etc/xl2tpd/xl2tpd.conf > /cfg/log/xl2tpd.log 2>&1 &
until grep -q ':06A5' /proc/net/udp; do usleep 100000; done
${SERVE_JOBS}`;

/** What pppd runs when IPv6 is up on an interface, and when it is down: a router for that link, and a web server. */
const IPV6_UP = `#!/bin/sh
exec > /cfg/log/ipv6-up.log 2>&1
/bin/ip -6 addr add ${IPV6_PREFIX}1/64 dev $1 nodad
httpd -p '[::]:80' -h /cfg/www
cat > /run/radvd.conf <<END
interface $1 {
  AdvSendAdvert on;
  MinRtrAdvInterval 3;
  MaxRtrAdvInterval 10;
  AdvSourceLLAddress off;
  prefix ${IPV6_PREFIX}/64 { };
  RDNSS ${IPV6_PREFIX}1 { };
  DNSSL lab.example { };
};
END
radvd -C /run/radvd.conf -p /run/radvd.pid -m logfile -l /cfg/log/radvd.log -d 3
`;

const IPV6_DOWN = `#!/bin/sh
kill $(cat /run/radvd.pid) $(pidof httpd)
`;

/** What its own web server says, over IPv6 alone. */
export const IPV6_PAGE = 'Served over IPv6.\n';

/** Everything under the guest's `/cfg`, by path. */
export function guestFiles(): Readonly<Record<string, string>> {
  const users = Object.entries(LINUX_USERS);
  const secrets = users.map(([name, word]) => `${name} * "${word}" *\n`);
  const xauth = users.map(([name, word]) => `${name} : XAUTH "${word}"\n`);
  return {
    rc: RC,
    'etc/ipsec.conf': ipsecConf('policy-0', {}),
    ...keyFiles(),
    'etc/ipsec.secrets': `%any %any : PSK "${LINUX_PSK}"\n${KEY_SECRETS}${xauth.join('')}`,
    'etc/strongswan.d/culvert.conf': STRONGSWAN_CONF,
    'etc/ppp/options.xl2tpd': pppOptions({}),
    'etc/ppp/chap-secrets': secrets.join(''),
    'etc/ppp/pap-secrets': secrets.join(''),
    'etc/xl2tpd/xl2tpd.conf': XL2TPD_CONF,
    'etc/ppp/ipv6-up': IPV6_UP,
    'etc/ppp/ipv6-down': IPV6_DOWN,
    'www/index.html': IPV6_PAGE,
  };
}
