/** Asks a host behind the gateway for four echoes and shows each as it comes. */
import { useSignal } from '@preact/signals';
import type { TargetedEvent, TargetedMouseEvent, VNode } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { errorText, plainText } from '../../shared/errors.ts';
import { FailureNote } from './failure-note.tsx';
import { formatRoundTrip } from './format.ts';
import {
  commonFailure,
  PING_COUNT,
  type PingResult,
  pingSeries,
  summarise,
} from './ping-series.ts';
import type { Portal } from './portal.ts';
import { TextField } from './text-field.tsx';
import { checkHost } from './validation.ts';

interface Entry {
  readonly id: number;
  readonly result: PingResult;
}

interface Series {
  readonly host: string;
  readonly entries: readonly Entry[];
  readonly running: boolean;
}

export function PingTool({ portal }: { readonly portal: Portal }): VNode {
  const error = useSignal<string | undefined>(undefined);
  const series = useSignal<Series | undefined>(undefined);
  const input = useRef<HTMLInputElement>(null);
  const run = useRef<AbortController | undefined>(undefined);
  useEffect(() => () => run.current?.abort(), []);
  const running = series.value?.running === true;

  function start(): void {
    const host = checkHost(input.current?.value ?? '');
    error.value = host.ok ? undefined : host.message;
    if (!host.ok) {
      input.current?.focus();
      return;
    }
    const controller = new AbortController();
    run.current = controller;
    series.value = { host: host.value, entries: [], running: true };
    const parts = { ping: () => portal.ping(host.value), sleep, now: () => performance.now() };
    void pingSeries(parts, controller.signal, (result) => {
      if (series.value === undefined) return;
      const { entries } = series.value;
      series.value = { ...series.value, entries: [...entries, { id: entries.length, result }] };
    }).finally(() => {
      if (run.current !== controller || series.value === undefined) return;
      series.value = { ...series.value, running: false };
    });
  }

  function press(event: TargetedMouseEvent<HTMLButtonElement>): void {
    if (!running) return;
    // The button is `Ping` again before its default action is due, which would start the next series.
    event.preventDefault();
    // The second half of a double click on `Ping` is not meant for `Stop`.
    if (event.detail > 1) return;
    run.current?.abort();
    if (series.value !== undefined) series.value = { ...series.value, running: false };
  }

  function submit(event: TargetedEvent<HTMLFormElement>): void {
    event.preventDefault();
    if (!running) start();
  }

  return (
    <section class="card tool" aria-labelledby="ping-title">
      <h3 id="ping-title">Ping</h3>
      <p class="muted">Ask a machine behind the tunnel whether it is there.</p>
      <form class="tool-form" method="post" noValidate onSubmit={submit}>
        <TextField
          id="ping-host"
          label="Host"
          type="text"
          autocomplete="off"
          placeholder="10.0.0.1 or intranet"
          inputRef={input}
          error={error.value}
        />
        <button
          class={running ? 'secondary' : 'primary'}
          type={running ? 'button' : 'submit'}
          onClick={press}
        >
          {running ? 'Stop' : 'Ping'}
        </button>
      </form>
      <section class="results" aria-label="Ping results" aria-live="polite">
        {series.value !== undefined && <Results {...series.value} />}
      </section>
    </section>
  );
}

function Results({ host, entries, running }: Series): VNode {
  const results = entries.map(({ result }) => result);
  const failure = commonFailure(results);
  return (
    <>
      {entries.length > 0 && (
        <table>
          <thead>
            <tr>
              <th scope="col">Reply from</th>
              <th scope="col">Time</th>
              <th scope="col">TTL</th>
            </tr>
          </thead>
          <tbody>
            {entries.map(({ id, result }) => (
              <ResultRow key={id} result={result} />
            ))}
          </tbody>
        </table>
      )}
      <p class="summary">{running ? `Pinging ${plainText(host)}…` : summaryText(results)}</p>
      {!running && failure !== undefined && <FailureNote failure={failure} />}
    </>
  );
}

function ResultRow({ result }: { readonly result: PingResult }): VNode {
  if (!result.ok) {
    return (
      <tr class="is-failed">
        <td colSpan={3}>{errorText(result.failure.code).title}</td>
      </tr>
    );
  }
  return (
    <tr>
      <td>
        <code>{result.value.address}</code>
      </td>
      <td>{formatRoundTrip(result.value.roundTripMillis)}</td>
      <td>{result.value.ttl}</td>
    </tr>
  );
}

function summaryText(results: readonly PingResult[]): string {
  const { sent, answered, times } = summarise(results);
  if (sent === 0) return 'Stopped before the first answer.';
  const stopped = sent < PING_COUNT && answered > 0 ? ', stopped early' : '';
  const counts = `${answered} of ${sent} answered${stopped}`;
  if (times === undefined) return `${counts}.`;
  const figures = [times.min, times.avg, times.max].map(formatRoundTrip).join(' / ');
  return `${counts}; min / avg / max ${figures}.`;
}

function sleep(millis: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, millis);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
