/** `files`: a folder of files up to 100 MB to download, whole or in part, with their SHA-256. */
import { HOSTS, type HostEntry, hostName } from '../../hosts.ts';
import { type Html, html } from '../../web/html.ts';
import { page } from '../../web/page.ts';
import { type Answer, notFound, type Site, type Visit } from '../../web/site.ts';
import { GeneratedFile } from './content.ts';
import { parseRange } from './range.ts';

const MEGABYTE = 1_000_000;

const FILES: ReadonlyMap<string, GeneratedFile> = new Map(
  [1, 5, 25, 100].map((megabytes) => {
    const name = `${megabytes}-MB.bin`;
    return [name, new GeneratedFile(name, megabytes * MEGABYTE)];
  }),
);

const SUM_SUFFIX = '.sha256';

const README = `These files have no content worth reading: they are there to be downloaded.

Their bytes are computed while they are sent, always the same ones, so that a
download can be interrupted and resumed, and its SHA-256 compared:

    curl -C - -O http://${hostName(HOSTS.files)}/5-MB.bin
    curl http://${hostName(HOSTS.files)}/5-MB.bin.sha256 | sha256sum -c
`;

export class Files implements Site {
  readonly host: HostEntry = HOSTS.files;
  readonly title = 'Files';

  answer(visit: Visit): Answer | Promise<Answer> {
    const name = visit.url.pathname.slice(1);
    if (name === '') return this.#list(visit);
    if (name === 'readme.txt') return text(README);
    const file = FILES.get(name);
    if (file !== undefined) return send(file, visit);
    const summed = name.endsWith(SUM_SUFFIX)
      ? FILES.get(name.slice(0, -SUM_SUFFIX.length))
      : undefined;
    if (summed === undefined) throw notFound();
    return summed.digest().then((digest) => text(`${digest}  ${summed.name}\n`));
  }

  #list(visit: Visit): Answer {
    return page(
      this,
      visit,
      'Files',
      html`<h1>Files to download</h1>
<p>None of them is stored: their bytes are made while they are sent, the same every time. Parts can be asked for
(<code>Range</code>), so a download that was interrupted goes on where it stopped.</p>
<div class="wide">
<table>
<thead><tr><th scope="col">Name</th><th scope="col" class="number">Bytes</th><th scope="col">SHA-256</th></tr></thead>
<tbody>
<tr><td><a href="/readme.txt">readme.txt</a></td><td class="number">${count(README.length)}</td><td></td></tr>
${[...FILES.values()].map(row)}</tbody>
</table>
</div>`,
    );
  }
}

function row(file: GeneratedFile): Html {
  const { name, size, knownDigest } = file;
  const digest =
    knownDigest === undefined
      ? html`<a href="/${name}${SUM_SUFFIX}">compute it</a>`
      : html`<code>${knownDigest}</code>`;
  return html`<tr><td><a href="/${name}">${name}</a></td><td class="number">${count(size)}</td><td>${digest}</td></tr>\n`;
}

function send(file: GeneratedFile, { request }: Visit): Answer {
  const { name, size } = file;
  const { range: wanted, 'if-range': condition } = request.headers;
  const tag = `"${name}"`;
  const headers = {
    'Content-Type': 'application/octet-stream',
    'Content-Disposition': `attachment; filename="${name}"`,
    'Accept-Ranges': 'bytes',
    ETag: tag,
  };
  const current = request.method === 'GET' && (condition === undefined || condition === tag);
  const range = current ? parseRange(wanted, size) : undefined;
  if (range === 'unsatisfiable') {
    return { status: 416, headers: { 'Content-Range': `bytes */${size}` }, body: '' };
  }
  const { start, end } = range ?? { start: 0, end: size };
  return {
    status: range === undefined ? 200 : 206,
    headers: {
      ...headers,
      'Content-Length': String(end - start),
      ...(range !== undefined && { 'Content-Range': `bytes ${start}-${end - 1}/${size}` }),
    },
    body: file.read(start, end),
  };
}

function text(body: string): Answer {
  return { headers: { 'Content-Type': 'text/plain; charset=utf-8' }, body };
}

function count(bytes: number): string {
  return bytes.toLocaleString('en');
}
