/** The packet inspector: every packet of the tunnel as a ladder, one of them taken apart. Closed, it costs nothing. */
import type { VNode } from 'preact';
import { useId } from 'preact/hooks';
import { plainText } from '../../../shared/errors.ts';
import { FailureNote } from '../failure-note.tsx';
import { formatBytes } from '../format.ts';
import { Downloads } from './downloads.tsx';
import type { Inspection } from './inspection.ts';
import { Ladder } from './ladder.tsx';
import { PacketFilter } from './packet-filter.tsx';
import { SelectedPacket } from './selected-packet.tsx';

export function PacketsPanel({ inspection }: { readonly inspection: Inspection }): VNode {
  const open = inspection.open.value;
  const hint = useId();
  return (
    <section class="card tool packets" aria-labelledby="packets-title">
      <div class="tool-bar">
        <h2 id="packets-title">Packets</h2>
        <div class="packets-switches">
          <label>
            <input
              type="checkbox"
              aria-describedby={hint}
              checked={inspection.kept.value}
              onChange={(event) => inspection.keep(event.currentTarget.checked)}
            />
            Record packets
          </label>
          <button
            class="secondary"
            type="button"
            aria-expanded={open}
            aria-controls="packets"
            onClick={() => inspection.show(!open)}
          >
            {open ? 'Hide packets' : 'Show packets'}
          </button>
        </div>
      </div>
      <p class="muted" id={hint}>
        What passes between this tab, the relay and the gateway, and what is inside. Recording runs
        while this is open and, when ticked, also while it is closed. It can begin at any time: only
        what passed since then is here.
      </p>
      <div id="packets" class="results">
        {open && <OpenPanel inspection={inspection} />}
      </div>
    </section>
  );
}

function OpenPanel({ inspection }: { readonly inspection: Inspection }): VNode {
  const fault = inspection.fault.value;
  if (fault !== undefined) {
    return <FailureNote failure={{ code: 'INTERNAL', detail: plainText(fault) }} role="alert" />;
  }
  return (
    <>
      <PacketFilter inspection={inspection} />
      <Summary inspection={inspection} />
      <Ladder inspection={inspection} />
      <SelectedPacket selected={inspection.selected.value} />
      <Downloads inspection={inspection} />
    </>
  );
}

const numbers = new Intl.NumberFormat('en');

function Summary({ inspection }: { readonly inspection: Inspection }): VNode {
  const state = inspection.state.value;
  if (state === undefined) return <p class="muted">Looking…</p>;
  const { packets, bytes, dropped } = state;
  return (
    <p class="muted packets-summary">
      {packets === 0 ? 'Nothing has passed yet.' : `${numbers.format(packets)} packets recorded, `}
      {packets > 0 && `${formatBytes(bytes)} of memory.`}
      {dropped > 0 && ` ${numbers.format(dropped)} older ones made room.`}
      {!inspection.isLive && ' The list stands still; recording goes on.'}
    </p>
  );
}
