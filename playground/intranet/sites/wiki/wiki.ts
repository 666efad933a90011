/** `wiki`: pages to read, to search and to edit. What a visitor writes only that visitor sees, until the tunnel ends. */

import type { Network } from '../../../network/network.ts';
import { HOSTS, type HostEntry } from '../../hosts.ts';
import { Visitors } from '../../visitors.ts';
import { readForm } from '../../web/form.ts';
import { type Html, html } from '../../web/html.ts';
import { asset, page } from '../../web/page.ts';
import { type Answer, notFound, Refusal, redirect, type Site, type Visit } from '../../web/site.ts';
import { renderMarkup, SLUG } from './markup.ts';
import { Notebook, PAGE_LIMIT, type Page } from './notebook.ts';

const FIRST_PAGE = 'welcome';
const QUERY_LIMIT = 100;
const SNIPPET_LENGTH = 160;
const PICTURE = asset('network.svg');
const UNTOUCHED = new Notebook();

export class Wiki implements Site {
  readonly host: HostEntry = HOSTS.wiki;
  readonly title = 'Wiki';
  readonly #notebooks: Visitors<Notebook>;

  constructor(network: Network) {
    this.#notebooks = new Visitors(network, () => new Notebook());
  }

  answer(visit: Visit): Answer | Promise<Answer> {
    const { pathname, searchParams } = visit.url;
    const [, folder, slug = '', action] = pathname.split('/');
    if (pathname === '/network.svg') return PICTURE;
    if (pathname === '/') return this.#read(visit, FIRST_PAGE);
    if (pathname === '/all') return this.#list(visit);
    if (pathname === '/search') return this.#search(visit, searchParams.get('q') ?? '');
    if (folder !== 'page' || !SLUG.test(slug)) throw notFound();
    if (action === undefined) return this.#read(visit, slug);
    if (action === 'edit')
      return visit.method === 'POST' ? this.#save(visit, slug) : this.#edit(visit, slug);
    if (action === 'take-back') return this.#takeBack(visit, slug);
    throw notFound();
  }

  #notebook({ visitor }: Visit): Notebook {
    return this.#notebooks.find(visitor) ?? UNTOUCHED;
  }

  #read(visit: Visit, slug: string): Answer {
    const found = this.#notebook(visit).page(slug);
    if (found === undefined) return this.#missing(visit, slug);
    const { title, text, own } = found;
    const note = html`<p class="note">You wrote this page. Nobody else sees it, and it is forgotten when your tunnel ends.</p>`;
    return this.#page(
      visit,
      title,
      html`<h1>${title}</h1>
${own ? note : undefined}
${renderMarkup(text)}
<p><a href="/page/${slug}/edit">Edit this page</a></p>`,
    );
  }

  #missing(visit: Visit, slug: string): Answer {
    const body = html`<h1>No such page yet</h1>
<p>Nobody has written <code>${slug}</code>. <a href="/page/${slug}/edit">Write it</a>, or see <a href="/all">all pages</a>.</p>`;
    return this.#page(visit, 'No such page yet', body, 404);
  }

  #list(visit: Visit): Answer {
    return this.#page(
      visit,
      'All pages',
      html`<h1>All pages</h1>
<ul>${this.#notebook(visit).pages.map(({ slug, title, own }) => html`<li><a href="/page/${slug}">${title}</a>${own ? ' (yours)' : ''}</li>\n`)}</ul>`,
    );
  }

  #search(visit: Visit, asked: string): Answer {
    const query = asked.slice(0, QUERY_LIMIT);
    const found = this.#notebook(visit).search(query);
    const heading = `${found.length === 0 ? 'Nothing' : found.length} found for “${query}”`;
    return this.#page(
      visit,
      heading,
      html`<h1>${heading}</h1>
<ul class="cards">${found.map(resultCard)}</ul>`,
      200,
      query,
    );
  }

  #edit(visit: Visit, slug: string): Answer {
    const found = this.#notebook(visit).page(slug);
    const { title = '', text = '', own = false } = found ?? {};
    const takeBack = html`<form method="post" action="/page/${slug}/take-back"><button>Take back what I wrote</button></form>`;
    return this.#page(
      visit,
      `Edit ${title || slug}`,
      html`<h1>Edit ${title || slug}</h1>
<form method="post" action="/page/${slug}/edit">
<label for="title">Title</label>
<input id="title" name="title" value="${title}" maxlength="80" required>
<label for="text">Text</label>
<textarea id="text" name="text" maxlength="${PAGE_LIMIT}">\n${text}</textarea>
<p class="quiet">Empty lines part paragraphs. <code># heading</code>, <code>* item</code>, <code>[[page]]</code>,
four spaces before lines of code.</p>
<button>Save</button>
</form>
${own ? takeBack : undefined}`,
    );
  }

  async #save(visit: Visit, slug: string): Promise<Answer> {
    const form = await readForm(visit);
    const title = (form.get('title') ?? '').trim();
    if (title === '' || title.length > 80)
      throw new Refusal(400, 'A page needs a title of at most 80 characters.');
    this.#notebooks.of(visit.visitor).write(slug, title, form.get('text') ?? '');
    return redirect(`/page/${slug}`);
  }

  async #takeBack(visit: Visit, slug: string): Promise<Answer> {
    await readForm(visit);
    this.#notebooks.find(visit.visitor)?.takeBack(slug);
    return redirect(`/page/${slug}`);
  }

  #page(visit: Visit, title: string, body: Html, status = 200, query = ''): Answer {
    const search = html`<form class="bar" action="/search" role="search">
<input type="search" name="q" aria-label="Words to look for" value="${query}" maxlength="${QUERY_LIMIT}" required>
<button>Search</button>
<a href="/all">All pages</a>
</form>
`;
    return page(this, visit, title, html`${search}${body}`, { status });
  }
}

function resultCard({ slug, title, text }: Page): Html {
  const start = text.slice(0, SNIPPET_LENGTH);
  return html`<li><a href="/page/${slug}">${title}</a><p>${start}${start.length < text.length ? '…' : ''}</p></li>`;
}
