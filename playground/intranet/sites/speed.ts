/** `speed`: a source and a sink of bytes, and a page that measures with them. */
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { HOSTS, type HostEntry } from '../hosts.ts';
import { html } from '../web/html.ts';
import { asset, page } from '../web/page.ts';
import { type Answer, notFound, Refusal, type Site, type Visit } from '../web/site.ts';

/** Bytes of one download or upload. */
const LIMIT = 1_000_000_000;
const DEFAULT = 10_000_000;

/** Sent again and again: nothing on the way compresses, and random bytes tell if something did. */
const BLOCK = randomBytes(65_536);

const SCRIPT = asset('speed.js');

export class Speed implements Site {
  readonly host: HostEntry = HOSTS.speed;
  readonly title = 'Speed test';

  answer(visit: Visit): Answer | Promise<Answer> {
    switch (visit.url.pathname) {
      case '/':
        return this.#first(visit);
      case '/speed.js':
        return SCRIPT;
      case '/down':
        return download(visit.url.searchParams.get('bytes'));
      case '/up':
        return upload(visit);
      default:
        throw notFound();
    }
  }

  #first(visit: Visit): Answer {
    return page(
      this,
      visit,
      'Speed test',
      html`<h1>How fast is your tunnel?</h1>
<p>This measures between your tab and this host: your TCP, the encryption in your tab, the way to the relay and to the gateway.</p>
<p class="bar"><button id="start" hidden>Measure</button> <output id="result" aria-live="polite"></output></p>
<h2>By hand</h2>
<ul>
<li><a href="/down?bytes=1000000">Download 1 MB</a>, <a href="/down?bytes=10000000">10 MB</a> or <a href="/down?bytes=100000000">100 MB</a>,
or any other number of <code>bytes</code> up to ${LIMIT.toLocaleString('en')}</li>
<li>Send anything by POST to <code>/up</code>: the answer says how much arrived, and in which time</li>
</ul>
<form method="post" action="/up" enctype="multipart/form-data">
<label for="file">A file to send; it is counted and thrown away</label>
<input id="file" name="file" type="file" required>
<p><button>Send</button></p>
</form>`,
      { scripts: ['/speed.js'] },
    );
  }
}

function download(asked: string | null): Answer {
  if (asked !== null && !/^\d{1,10}$/.test(asked)) throw new Refusal(400, 'How many bytes?');
  const length = asked === null ? DEFAULT : Number(asked);
  if (length > LIMIT)
    throw new Refusal(400, `At most ${LIMIT.toLocaleString('en')} bytes at a time.`);
  return {
    headers: { 'Content-Type': 'application/octet-stream', 'Content-Length': String(length) },
    body: Readable.from(blocks(length), { objectMode: false }),
  };
}

function* blocks(length: number): Generator<Buffer> {
  for (let left = length; left > 0; left -= BLOCK.length) yield BLOCK.subarray(0, left);
}

/** The time is this host's, from the request's headers to its last byte. */
async function upload({ method, request }: Visit): Promise<Answer> {
  if (method !== 'POST') throw new Refusal(405, 'This address takes what is sent by POST.');
  const started = performance.now();
  let bytes = 0;
  for await (const piece of request.iterator({ destroyOnReturn: false })) {
    bytes += piece.length;
    if (bytes > LIMIT)
      throw new Refusal(413, `At most ${LIMIT.toLocaleString('en')} bytes at a time.`);
  }
  const millis = Math.round(performance.now() - started);
  return {
    headers: { 'Content-Type': 'application/json' },
    body: `${JSON.stringify({ bytes, millis })}\n`,
  };
}
