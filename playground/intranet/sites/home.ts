/** The domain's own page: what there is, and where. */
import type { Bookmark } from '../bookmarks.ts';
import { HOSTS, type HostEntry } from '../hosts.ts';
import { html } from '../web/html.ts';
import { page } from '../web/page.ts';
import { type Answer, notFound, type Site, type Visit } from '../web/site.ts';

export class Home implements Site {
  readonly host: HostEntry = HOSTS.home;
  readonly title = 'Demonstration intranet';
  readonly #bookmarks: readonly Bookmark[];

  constructor(bookmarks: readonly Bookmark[]) {
    this.#bookmarks = bookmarks;
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
${this.#bookmarks.map(({ title, url, description }) => html`<li><a href="${url}">${title}</a><p>${description}</p></li>\n`)}</ul>`,
    );
  }
}
