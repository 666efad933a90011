/** What there is in the intranet: names, addresses, and what each is for. The name server and every page's links are made of it. */
import { parseAddress } from '../../shared/ip/address.ts';
import type { Bytes } from '../../shared/wire/bytes.ts';

/** Reserved for tests, so it is nobody's. @rfc 6761 §6.2 */
export const DOMAIN = 'intranet.test';

export interface HostEntry {
  /** Under `DOMAIN`, or the domain itself where empty. */
  readonly label: string;
  /** 4 bytes. */
  readonly address: Bytes;
}

const entry = (label: string, last: number): HostEntry => ({
  label,
  address: parseAddress(`10.99.0.${last}`)!,
});

type HostId =
  | 'gateway'
  | 'nameServer'
  | 'home'
  | 'wiki'
  | 'status'
  | 'people'
  | 'files'
  | 'authority'
  | 'speed'
  | 'shell'
  | 'echo';

export const HOSTS: Readonly<Record<HostId, HostEntry>> = {
  gateway: entry('gateway', 1),
  nameServer: entry('ns', 2),
  home: entry('', 10),
  wiki: entry('wiki', 11),
  status: entry('status', 12),
  people: entry('people', 13),
  files: entry('files', 14),
  authority: entry('ca', 15),
  speed: entry('speed', 16),
  shell: entry('shell', 17),
  echo: entry('echo', 18),
};

/** `wiki.intranet.test`. */
export function hostName({ label }: HostEntry): string {
  return label === '' ? DOMAIN : `${label}.${DOMAIN}`;
}
