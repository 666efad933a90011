/** Which packets are listed, and whether the list moves. */
import type { VNode } from 'preact';
import { type PacketProtocol, PROTOCOLS } from '../../../shared/inspect/view.ts';
import type { Inspection } from './inspection.ts';

export function PacketFilter({ inspection }: { readonly inspection: Inspection }): VNode {
  const { protocol, text } = inspection.filter.value;
  const paused = inspection.paused.value;
  return (
    <div class="packet-filter">
      <div class="field">
        <label for="packet-protocol">Protocol</label>
        <select
          id="packet-protocol"
          value={protocol ?? ''}
          onChange={(event) => {
            const chosen = PROTOCOLS.find((each) => each === event.currentTarget.value);
            inspection.narrow({ protocol: chosen as PacketProtocol | undefined });
          }}
        >
          <option value="">All</option>
          {PROTOCOLS.map((each) => (
            <option key={each}>{each}</option>
          ))}
        </select>
      </div>
      <div class="field packet-text">
        <label for="packet-text">Contains</label>
        <input
          id="packet-text"
          type="search"
          autocomplete="off"
          spellcheck={false}
          value={text}
          onInput={(event) => inspection.narrow({ text: event.currentTarget.value })}
        />
      </div>
      <div class="packet-buttons">
        <button
          class="secondary"
          type="button"
          aria-pressed={paused}
          onClick={() => inspection.pause(!paused)}
        >
          Pause
        </button>
        <button class="secondary" type="button" onClick={() => inspection.clear()}>
          Clear
        </button>
      </div>
    </div>
  );
}
