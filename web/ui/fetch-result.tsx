/** The answer to a fetch: its figures, its headers, and as much of its body as is safe to show. */
import type { VNode } from 'preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { plainText } from '../../shared/errors.ts';
import type { FetchReply } from '../worker/api.ts';
import { bodyView, fileName, TEXT_LIMIT } from './body.ts';
import { formatBytes, formatDuration, formatRate, formatSize } from './format.ts';
import { saveFile } from './save-file.ts';

/** Most headers listed. */
const HEADERS_LIMIT = 100;

/** A box that scrolls by itself must be reachable by keyboard. */
const SCROLLS = { tabIndex: 0 } as const;

export function FetchResult({ reply }: { readonly reply: FetchReply }): VNode {
  return (
    <>
      <dl class="details">
        <div>
          <dt>Status</dt>
          <dd>
            {reply.status} {plainText(reply.statusText)}
          </dd>
        </div>
        <div>
          <dt>Size</dt>
          <dd>{formatSize(reply.size)}</dd>
        </div>
        <div>
          <dt>Time</dt>
          <dd>
            {formatDuration(reply.millis)}{' '}
            <span class="muted">({formatRate(reply.size, reply.millis)})</span>
          </dd>
        </div>
        <div class="is-wide">
          <dt>SHA-256</dt>
          <dd>
            <code class="digest">{reply.sha256}</code>
          </dd>
        </div>
      </dl>
      <Headers headers={reply.headers} />
      <Body reply={reply} />
    </>
  );
}

function Headers({ headers }: { readonly headers: FetchReply['headers'] }): VNode | null {
  if (headers.length === 0) return null;
  // Numbered, since a header such as Set-Cookie may come twice.
  const rows = headers.slice(0, HEADERS_LIMIT).map(([name, value], id) => ({ id, name, value }));
  return (
    <div class="scroll-x">
      <table class="headers">
        <thead>
          <tr>
            <th scope="col">Header</th>
            <th scope="col">Value</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ id, name, value }) => (
            <tr key={id}>
              <td>{plainText(name)}</td>
              <td>{plainText(value)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Body({ reply }: { readonly reply: FetchReply }): VNode {
  const view = useMemo(() => bodyView(reply), [reply]);
  if (view.kind === 'empty') return <p class="muted">The body is empty.</p>;
  const missing = reply.size - reply.body.length;
  return (
    <div class="body">
      <div class="body-bar">
        <h4>Body</h4>
        <button type="button" class="secondary" onClick={() => save(reply)}>
          Save body
        </button>
      </div>
      {missing > 0 && (
        <p class="notice">
          Only the first {formatBytes(reply.body.length)} were kept and can be saved; the digest
          covers everything.
        </p>
      )}
      {view.kind === 'text' && (
        <>
          <pre {...SCROLLS}>{view.text}</pre>
          {view.cut && (
            <p class="muted">
              The first {formatBytes(TEXT_LIMIT)} are shown; save the body for all.
            </p>
          )}
        </>
      )}
      {view.kind === 'image' && <Picture body={reply.body} type={view.type} />}
      {view.kind === 'binary' && <p class="muted">This is neither text nor a picture.</p>}
    </div>
  );
}

/** A picture from a blob of our own: inside `<img>` not even an SVG runs a script. */
function Picture(props: { readonly body: FetchReply['body']; readonly type: string }): VNode {
  const { body, type } = props;
  const image = useRef<HTMLImageElement>(null);
  useEffect(() => {
    const url = URL.createObjectURL(new Blob([body], { type }));
    if (image.current !== null) image.current.src = url;
    return () => URL.revokeObjectURL(url);
  }, [body, type]);
  return <img ref={image} alt="What was fetched" />;
}

function save({ body, url }: FetchReply): void {
  saveFile(new Blob([body]), fileName(url));
}
