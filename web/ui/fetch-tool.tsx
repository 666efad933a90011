/** Fetches one address through the tunnel and shows how far it is. */
import { useSignal } from '@preact/signals';
import type { TargetedEvent, TargetedMouseEvent, VNode } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { type Failure, plainText } from '../../shared/errors.ts';
import type { FetchReply } from '../worker/api.ts';
import { FailureNote } from './failure-note.tsx';
import { FetchResult } from './fetch-result.tsx';
import { formatBytes } from './format.ts';
import type { Portal } from './portal.ts';
import { TextField } from './text-field.tsx';
import { checkUrl } from './validation.ts';

type Job =
  | {
      readonly kind: 'running';
      readonly url: string;
      readonly received: number;
      readonly total: number | undefined;
    }
  | { readonly kind: 'cancelled'; readonly received: number }
  | { readonly kind: 'done'; readonly reply: FetchReply }
  | { readonly kind: 'failed'; readonly failure: Failure };

export function FetchTool({ portal }: { readonly portal: Portal }): VNode {
  const error = useSignal<string | undefined>(undefined);
  const job = useSignal<Job | undefined>(undefined);
  const input = useRef<HTMLInputElement>(null);
  const request = useRef<AbortController | undefined>(undefined);
  useEffect(() => () => request.current?.abort(), []);
  const running = job.value?.kind === 'running';
  const destination = portal.destination.value;
  useEffect(() => {
    if (destination === undefined || input.current === null) return;
    input.current.value = destination.url;
    if (!destination.atOnce) return;
    input.current.scrollIntoView({ block: 'center' });
    void start();
  }, [destination]);

  async function start(): Promise<void> {
    const checked = checkUrl(input.current?.value ?? '');
    error.value = checked.ok ? undefined : checked.message;
    if (!checked.ok) {
      input.current?.focus();
      return;
    }
    const url = checked.value;
    request.current?.abort();
    const controller = new AbortController();
    request.current = controller;
    job.value = { kind: 'running', url, received: 0, total: undefined };
    const progress = (received: number, total: number | undefined) => {
      // The last report may arrive behind the answer: they travel over different ports.
      if (request.current !== controller || job.value?.kind !== 'running') return;
      job.value = { kind: 'running', url, received, total };
    };
    const outcome = await portal.fetch(url, progress, controller.signal);
    if (request.current !== controller || controller.signal.aborted) return;
    job.value = outcome.ok
      ? { kind: 'done', reply: outcome.value }
      : { kind: 'failed', failure: outcome.failure };
  }

  function press(event: TargetedMouseEvent<HTMLButtonElement>): void {
    if (job.value?.kind !== 'running') return;
    // The button is `Fetch` again before its default action is due, which would start the next request.
    event.preventDefault();
    // The second half of a double click on `Fetch` is not meant for `Cancel`.
    if (event.detail > 1) return;
    request.current?.abort();
    job.value = { kind: 'cancelled', received: job.value.received };
  }

  function submit(event: TargetedEvent<HTMLFormElement>): void {
    event.preventDefault();
    if (!running) void start();
  }

  return (
    <section class="card tool" aria-labelledby="fetch-title">
      <h3 id="fetch-title">Fetch</h3>
      <p class="muted">Get a page or a file from a web server behind the tunnel.</p>
      <form class="tool-form" method="post" noValidate onSubmit={submit}>
        <TextField
          id="fetch-url"
          label="URL"
          type="url"
          autocomplete="off"
          placeholder="http://intranet/"
          inputRef={input}
          error={error.value}
        />
        <button
          class={running ? 'secondary' : 'primary'}
          type={running ? 'button' : 'submit'}
          onClick={press}
        >
          {running ? 'Cancel' : 'Fetch'}
        </button>
      </form>
      <section class="results" aria-label="Fetch result">
        {job.value !== undefined && <JobView job={job.value} />}
      </section>
    </section>
  );
}

function JobView({ job }: { readonly job: Job }): VNode {
  switch (job.kind) {
    case 'running':
      return <Progress {...job} />;
    case 'cancelled':
      return (
        <p class="muted" aria-live="polite">
          Cancelled after {formatBytes(job.received)}.
        </p>
      );
    case 'failed':
      return (
        <div aria-live="polite">
          <FailureNote failure={job.failure} />
        </div>
      );
    case 'done':
      return <FetchResult reply={job.reply} />;
  }
}

function Progress(props: {
  readonly url: string;
  readonly received: number;
  readonly total: number | undefined;
}): VNode {
  const { received, total } = props;
  const known = total !== undefined && total > 0;
  return (
    <div class="fetching">
      <p class="muted">{plainText(props.url)}</p>
      <progress aria-label="Received so far" {...(known ? { value: received, max: total } : {})} />
      <p>
        {formatBytes(received)}
        {known && ` of ${formatBytes(total)}`}
      </p>
    </div>
  );
}
