/** The domain's own page: what there is, and where. */
import type { Bookmark } from '../bookmarks.ts';
import { HOSTS, type HostEntry, hostName } from '../hosts.ts';
import { html } from '../web/html.ts';
import { page } from '../web/page.ts';
import { type Answer, notFound, type Site, type Visit } from '../web/site.ts';

/** What one needs to know to use the shell. */
export interface ShellAccess {
  readonly user: string;
  readonly password: string;
  readonly fingerprints: readonly string[];
}

export class Home implements Site {
  readonly host: HostEntry = HOSTS.home;
  readonly title = 'Demonstration intranet';
  readonly #others: readonly Bookmark[];
  readonly #shell: ShellAccess;

  constructor(bookmarks: readonly Bookmark[], shell: ShellAccess) {
    this.#others = bookmarks.filter(({ url }) => url !== `http://${hostName(this.host)}/`);
    this.#shell = shell;
  }

  answer(visit: Visit): Answer {
    if (visit.url.pathname !== '/') throw notFound();
    return page(
      this,
      visit,
      'Demonstration intranet',
      html`<h1>You are inside</h1>
<p>This page is not on the Internet. It came from a small network that exists in the memory of one program, and the only
way in is the tunnel you are using: IKE agreed on the keys, ESP carried the packets, L2TP and PPP gave you the address
<strong>${visit.visitor}</strong>.</p>
<ul class="cards">
${this.#others.map(({ title, url, description }) => html`<li><a href="${url}">${title}</a><p>${description}</p></li>\n`)}</ul>
<h2>Without a browser</h2>
<ul>
<li>SSH and SFTP: <code>${hostName(HOSTS.shell)}</code>, user <code>${this.#shell.user}</code>, password <code>${this.#shell.password}</code>.
Its keys are new at every start: ${this.#shell.fingerprints.map((each) => html`<code>${each}</code> `)}</li>
<li>Echo: <code>${hostName(HOSTS.echo)}</code>, port 7, TCP and UDP</li>
<li>Names: the server at <code>${HOSTS.nameServer.address.join('.')}</code>, port 53; every host answers ping</li>
</ul>`,
    );
  }
}
