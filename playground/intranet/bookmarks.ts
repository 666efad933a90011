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
];
