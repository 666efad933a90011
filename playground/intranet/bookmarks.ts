/** What a visitor may want to open. */
import { DOMAIN, HOSTS, type HostEntry, hostName } from './hosts.ts';

export interface Bookmark {
  readonly title: string;
  readonly url: string;
  /** One sentence. */
  readonly description: string;
}

const web = (host: HostEntry, title: string, description: string): Bookmark => ({
  title,
  url: `http://${hostName(host)}/`,
  description,
});

export const BOOKMARKS: readonly Bookmark[] = [
  web(
    HOSTS.home,
    DOMAIN,
    'The first page of the demonstration network, with links to everything on it.',
  ),
  web(HOSTS.wiki, 'Wiki', 'Pages to read, to search and to edit.'),
  web(HOSTS.status, 'Status', 'How busy the network is, as live charts.'),
  web(HOSTS.people, 'People', 'A directory that wants to know who you are.'),
  web(HOSTS.files, 'Files', 'Downloads up to 100 MB, with their checksums.'),
  web(HOSTS.speed, 'Speed test', 'A source and a sink of bytes.'),
  web(HOSTS.authority, 'Certificate authority', 'The private authority behind the https:// sites.'),
];
