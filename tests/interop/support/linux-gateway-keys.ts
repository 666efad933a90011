/** The Linux gateway's keys and certificates, its users' files to go with them, and strongSwan's words for each way. */
import { pkiFile } from '../../support/pki.ts';

export type Keys = 'RSA certificates' | 'ECDSA certificates' | 'bare RSA keys';

/** In place of `authby=secret`. */
export const AUTHENTICATION: Readonly<Record<Keys, string>> = {
  'RSA certificates': '  authby=pubkey\n  leftcert=gateway.crt\n',
  'ECDSA certificates': '  authby=pubkey\n  leftcert=ecgateway.crt\n',
  'bare RSA keys':
    '  authby=pubkey\n  leftid=gateway.example\n  leftsigkey=gateway.pub\n  rightid=alice@example.org\n  rightsigkey=client.pub\n',
};

/** What a user picks, and the passphrase. */
export const USER_FILES: Readonly<Record<Keys, readonly Name[]>> = {
  'RSA certificates': ['legacy.p12'],
  'ECDSA certificates': ['ec.p12'],
  'bare RSA keys': ['client.key', 'gateway.pub'],
};
export const PASSPHRASE = 'sesame';

type Name = Parameters<typeof pkiFile>[0];

const GUEST_FILES = {
  private: ['gateway.key', 'ecgateway.key'],
  certs: ['gateway.crt', 'ecgateway.crt', 'gateway.pub', 'client.pub'],
  cacerts: ['root.crt', 'sub.crt'],
} as const;

/** Everything under the guest's `/cfg`, by path. */
export function keyFiles(): Readonly<Record<string, string>> {
  const entries = Object.entries(GUEST_FILES).flatMap(([folder, names]) =>
    names.map((name) => [`etc/ipsec.d/${folder}/${name}`, text(name)]),
  );
  return Object.fromEntries(entries);
}

export const KEY_SECRETS = ': RSA gateway.key\n: ECDSA ecgateway.key\n';

function text(name: Name): string {
  return Buffer.from(pkiFile(name).bytes).toString('latin1');
}
