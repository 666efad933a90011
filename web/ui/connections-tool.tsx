/** The TCP connections inside the tunnel, while somebody looks: closed, it asks for nothing. */
import { useSignal } from '@preact/signals';
import type { VNode } from 'preact';
import { useEffect } from 'preact/hooks';
import { type Failure, plainText } from '../../shared/errors.ts';
import type { ConnectionInfo } from '../worker/api.ts';
import { FailureNote } from './failure-note.tsx';
import { formatBytes, formatRoundTrip } from './format.ts';
import type { Portal } from './portal.ts';

const REFRESH_MILLIS = 1_000;

/** Rows shown; the stack allows for more than anybody reads. */
const ROW_LIMIT = 100;

export function ConnectionsTool({ portal }: { readonly portal: Portal }): VNode {
  const open = useSignal(false);
  return (
    <section class="card tool" aria-labelledby="connections-title">
      <div class="tool-bar">
        <h3 id="connections-title">Connections</h3>
        <button
          class="secondary"
          type="button"
          aria-expanded={open.value}
          aria-controls="connections"
          onClick={() => {
            open.value = !open.value;
          }}
        >
          {open.value ? 'Hide connections' : 'Show connections'}
        </button>
      </div>
      <p class="muted">What is open inside the tunnel, and how each connection is doing.</p>
      <div id="connections" class="results">
        {open.value && <LiveTable portal={portal} />}
      </div>
    </section>
  );
}

function LiveTable({ portal }: { readonly portal: Portal }): VNode {
  const connections = useSignal<readonly ConnectionInfo[] | undefined>(undefined);
  const failure = useSignal<Failure | undefined>(undefined);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let over = false;
    async function refresh(): Promise<void> {
      const outcome = await portal.connections();
      if (over) return;
      failure.value = outcome.ok ? undefined : outcome.failure;
      if (outcome.ok) connections.value = outcome.value;
      timer = setTimeout(refresh, REFRESH_MILLIS);
    }
    void refresh();
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [portal, connections, failure]);
  if (failure.value !== undefined) return <FailureNote failure={failure.value} />;
  const all = connections.value;
  if (all === undefined) return <p class="muted">Looking…</p>;
  if (all.length === 0) return <p class="muted">No connection is open.</p>;
  return <Table all={all} />;
}

function Table({ all }: { readonly all: readonly ConnectionInfo[] }): VNode {
  const left = all.length - ROW_LIMIT;
  return (
    <>
      {/* Wider than a phone: it scrolls by itself, also from the keyboard. */}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable */}
      <section class="scroll-x" aria-label="Open connections" tabIndex={0}>
        <table class="connections">
          <thead>
            <tr>
              <th scope="col">Remote</th>
              <th scope="col">State</th>
              <th scope="col">Sent</th>
              <th scope="col">Received</th>
              <th scope="col">Round trip</th>
              <th scope="col">Window</th>
              <th scope="col">Resent</th>
            </tr>
          </thead>
          <tbody>
            {all.slice(0, ROW_LIMIT).map((each) => (
              <Row key={each.id} connection={each} />
            ))}
          </tbody>
        </table>
      </section>
      {left > 0 && <p class="muted">{left} more are open.</p>}
    </>
  );
}

function Row({ connection }: { readonly connection: ConnectionInfo }): VNode {
  const { host, remote, state, sent, received, sender } = connection;
  return (
    <tr>
      <th scope="row">
        <code>{remote}</code>
        {host !== undefined && <small>{plainText(host)}</small>}
      </th>
      <td>{state}</td>
      <td>{formatBytes(sent)}</td>
      <td>{formatBytes(received)}</td>
      <td>{sender === undefined ? '–' : formatRoundTrip(sender.roundTripMillis)}</td>
      <td>{sender === undefined ? '–' : formatBytes(sender.window)}</td>
      <td>{sender === undefined ? '–' : sender.retransmissions}</td>
    </tr>
  );
}
