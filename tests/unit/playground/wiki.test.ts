import { describe, expect, it } from 'vitest';
import { renderMarkup, slugOf } from '../../../playground/intranet/sites/wiki/markup.ts';
import {
  Notebook,
  OWN_PAGES_LIMIT,
  PAGE_LIMIT,
} from '../../../playground/intranet/sites/wiki/notebook.ts';
import { html } from '../../../playground/intranet/web/html.ts';
import { intranet } from './world.ts';

const WIKI = 'http://10.99.0.11';
const COFFEE = `${WIKI}/page/coffee-machine`;

describe('the wiki', () => {
  it('has a first page, with its style, its icon and a picture', async () => {
    const { visitor } = await intranet();
    const client = visitor('10.99.1.7');
    const { status, headers, text } = await client.ask(`${WIKI}/`);
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(headers['content-security-policy']).toContain("default-src 'none'");
    expect(text).toContain('<h1>Welcome to the wiki</h1>');
    expect(text).toContain('<strong>10.99.1.7</strong>');
    for (const [path, type] of [
      ['/style.css', 'text/css; charset=utf-8'],
      ['/icon.svg', 'image/svg+xml'],
      ['/network.svg', 'image/svg+xml'],
    ]) {
      expect(text).toContain(`"${path}"`);
      const file = await client.ask(WIKI + path);
      expect(file.headers['content-type']).toBe(type);
      expect(file.headers['content-length']).toBe(String(file.body.length));
    }
  });

  it('has no link that leads nowhere', async () => {
    const { visitor } = await intranet();
    const client = visitor('10.99.1.7');
    const seen = new Set(['/', '/all']);
    for (const path of seen) {
      const { status, text } = await client.ask(WIKI + path);
      expect([path, status]).toEqual([path, 200]);
      for (const [, link] of text.matchAll(/href="(\/[^"]*)"/g)) seen.add(link!);
    }
    // Six pages, each with its form, the list, style and icon.
    expect(seen.size).toBeGreaterThanOrEqual(15);
  });

  it('finds words, and says when there is nothing', async () => {
    const { visitor } = await intranet();
    const client = visitor('10.99.1.7');
    expect((await client.ask(`${WIKI}/search?q=coffee`)).text).toContain('Coffee machine</a>');
    const nothing = await client.ask(`${WIKI}/search?q=${encodeURIComponent('<b>zebra')}`);
    expect(nothing.text).toContain('Nothing found for “&lt;b&gt;zebra”');
  });

  it('keeps what a visitor writes to that visitor, until the tunnel ends', async () => {
    const { visitor } = await intranet();
    const [client, other] = [visitor('10.99.1.7'), visitor('10.99.1.8')];
    const saved = await client.send(`${COFFEE}/edit`, { title: 'Tea', text: 'Hot & <wet>' });
    expect([saved.status, saved.headers.location]).toEqual([303, '/page/coffee-machine']);
    expect((await client.ask(COFFEE)).text).toContain('<p>Hot &amp; &lt;wet&gt;</p>');
    expect((await client.ask(`${COFFEE}/edit`)).text).toContain('Hot &amp; &lt;wet&gt;</textarea>');
    expect((await other.ask(COFFEE)).text).toContain('Second floor');
    client.close();
    expect((await visitor('10.99.1.7').ask(COFFEE)).text).toContain('Second floor');
  });

  it('lets new pages be written and taken back', async () => {
    const { visitor } = await intranet();
    const client = visitor('10.99.1.7');
    const page = `${WIKI}/page/lunch`;
    expect((await client.ask(page)).status).toBe(404);
    await client.send(`${page}/edit`, { title: 'Lunch', text: 'See [[Coffee machine|there]].' });
    expect((await client.ask(page)).text).toContain('<a href="/page/coffee-machine">there</a>');
    expect((await client.ask(`${WIKI}/all`)).text).toContain('Lunch</a> (yours)');
    await client.send(`${page}/take-back`, {});
    expect((await client.ask(page)).status).toBe(404);
  });

  it.each([
    ['no title', 400, { title: ' ', text: 'x' }],
    ['a page too long', 413, { title: 'x', text: 'x'.repeat(PAGE_LIMIT) }],
    ['a form too long', 413, { title: 'x', text: 'x'.repeat(100_000) }],
  ])('refuses %s', async (_, status, fields) => {
    const { visitor } = await intranet();
    const client = visitor('10.99.1.7');
    expect((await client.send(`${COFFEE}/edit`, fields)).status).toBe(status);
    expect((await client.ask(COFFEE)).text).toContain('Second floor');
  });

  it('refuses other methods, other bodies, other paths', async () => {
    const { visitor } = await intranet();
    const client = visitor('10.99.1.7');
    const status = async (path: string, options = {}) =>
      (await client.ask(WIKI + path, options)).status;
    expect(await status('/page/coffee-machine', { method: 'DELETE' })).toBe(405);
    expect(await status('/page/coffee-machine/edit', { method: 'POST', body: '{}' })).toBe(415);
    expect(await status('/page/coffee-machine/take-back')).toBe(405);
    expect(await status('/page/../../etc/passwd')).toBe(404);
    expect(await status('/page/Not-A-Slug')).toBe(404);
    expect(await status('//')).toBe(400);
    expect(await status('/', { method: 'HEAD' })).toBe(200);
  });

  it('keeps a bounded number of pages for a visitor', () => {
    const notebook = new Notebook();
    for (let i = 0; i < OWN_PAGES_LIMIT; i++) notebook.write(`page-${i}`, 'Title', 'text');
    notebook.write('page-0', 'Title', 'again');
    expect(() => notebook.write('one-more', 'Title', 'text')).toThrow('all that is kept');
    notebook.takeBack('page-0');
    notebook.write('one-more', 'Title', 'text');
  });
});

describe('the wiki’s markup', () => {
  it.each([
    ['one\ntwo', '<p>one\ntwo</p>'],
    ['# A `b`', '<h2>A <code>b</code></h2>'],
    ['* a\n* b', '<ul>\n<li>a</li>\n<li>b</li>\n</ul>'],
    ['    a < b\n    c', '<pre>a &lt; b\nc</pre>'],
    ['[[Page One]]', '<p><a href="/page/page-one">Page One</a></p>'],
    ['[[Page One|there]]', '<p><a href="/page/page-one">there</a></p>'],
    ['[[<script>|"]]', '<p><a href="/page/script">&quot;</a></p>'],
    [
      'at http://wiki.intranet.test/all.',
      '<p>at <a href="http://wiki.intranet.test/all.">http://wiki.intranet.test/all.</a></p>',
    ],
    ['http://example.com/', '<p>http://example.com/</p>'],
    ['javascript:alert(1)', '<p>javascript:alert(1)</p>'],
    ['<img src=x onerror="y">', '<p>&lt;img src=x onerror=&quot;y&quot;&gt;</p>'],
    ['', ''],
  ])('%j', (text, expected) => {
    expect(renderMarkup(text).text.trim()).toBe(expected);
  });

  it('makes an address of every title', () => {
    expect(slugOf('  What is here? ')).toBe('what-is-here');
    expect(slugOf('x'.repeat(100))).toHaveLength(40);
  });
});

describe('HTML templates', () => {
  it('take what is put in for text, unless it is HTML', () => {
    expect(
      html`<a title="${'"&'}">${html`<b>`}${[html`1`, html`2`]}${undefined}${3}</a>`.text,
    ).toBe('<a title="&quot;&amp;"><b>123</a>');
  });
});
