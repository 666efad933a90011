/**
 * Libreswan in place of strongSwan on the Linux gateway, with the same xl2tpd and pppd behind it. Its keys lie in a
 * database of NSS, and pluto is told of a connection by `addconn`.
 */
import { pkiFile } from '../../support/pki.ts';
import type { LinuxGateway } from './linux-gateway.ts';
import { LINUX_PSK, LINUX_USERS } from './linux-gateway-config.ts';
import { PASSPHRASE } from './linux-gateway-keys.ts';
import { GATEWAY_ADDRESS } from './network.ts';

const PROGRAMS = '/usr/libexec/ipsec';
const DATABASE = 'sql:/var/lib/ipsec/nss';

/** Lines of a connection, as ipsec.conf(5) of Libreswan has them. */
export type Connection = readonly string[];

export const CERTIFICATES: Connection = [
  'authby=rsasig',
  'leftcert=gateway',
  'leftid=%fromcert',
  'rightid=%fromcert',
  'rightca=%same',
];
export const XAUTH: Connection = ['leftxauthserver=yes', 'rightxauthclient=yes', 'xauthby=file'];

function ipsecConf(connection: Connection): string {
  const authby = connection.some((line) => line.startsWith('authby=')) ? [] : ['authby=secret'];
  // Without the script that it runs for every SA, which takes half a second and is not needed in transport mode.
  const lines = [...authby, 'leftupdown=%disabled', ...connection].map((line) => `  ${line}\n`);
  return `config setup
  logfile=/cfg/log/charon.log
  dnssec-enable=no
  ikev1-policy=accept
conn l2tp
  ikev2=never
  type=transport
  left=${GATEWAY_ADDRESS}
  leftprotoport=17/1701
  right=%any
  rightprotoport=17/%any
  auto=add
${lines.join('')}`;
}

/** Ends strongSwan and starts Libreswan. */
export async function startLibreswan(gateway: LinuxGateway): Promise<void> {
  const { bytes } = pkiFile('gateway.p12');
  await gateway.run(`set -e
ipsec stop
cp -a /libreswan/. /
mkdir -p /run/pluto /var/lib/ipsec/nss
certutil -N -d ${DATABASE} --empty-password
certutil -A -d ${DATABASE} -n root -t CT,, -a -i /etc/ipsec.d/cacerts/root.crt
echo ${Buffer.from(bytes).toString('base64')} | base64 -d > /tmp/gateway.p12
pk12util -i /tmp/gateway.p12 -d ${DATABASE} -W ${PASSPHRASE} -K ''
echo '%any %any : PSK "${LINUX_PSK}"' > /etc/ipsec.secrets
echo "bob:$(mkpasswd -m sha512 ${LINUX_USERS.bob})" > /etc/ipsec.d/passwd
cat > /etc/ipsec.conf <<'END'
${ipsecConf([])}END
${PROGRAMS}/pluto --config /etc/ipsec.conf
for i in $(seq 100); do ${PROGRAMS}/whack --listen > /dev/null 2>&1 && exit 0; usleep 100000; done
exit 1`);
}

/** What it accepts from now on. */
export async function configureLibreswan(
  gateway: LinuxGateway,
  connection: Connection,
): Promise<void> {
  await gateway.run(`set -e
cat > /etc/ipsec.conf <<'END'
${ipsecConf(connection)}END
${PROGRAMS}/addconn --config /etc/ipsec.conf l2tp`);
}
