/** The packets as a ladder diagram: tab, relay and gateway are its posts, a packet is a rung with an arrow. A list to select from. */
import type { TargetedKeyboardEvent, VNode } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { plainText } from '../../../shared/errors.ts';
import type { PacketRow } from '../../../shared/inspect/view.ts';
import type { Inspection } from './inspection.ts';

/** Lines that a key moves by. */
const STEPS: Readonly<Record<string, number>> = {
  ArrowDown: 1,
  ArrowUp: -1,
  PageDown: 10,
  PageUp: -10,
  Home: -Infinity,
  End: Infinity,
};

/** Within this many pixels of its end the list follows what is new. */
const END_SLACK = 40;

export function Ladder({ inspection }: { readonly inspection: Inspection }): VNode {
  const { rows, older } = inspection.page.value;
  const selected = inspection.selected.value;
  const selectedId = selected.kind === 'none' ? undefined : selected.id;
  const list = useRef<HTMLDivElement>(null);
  useFollowing(list, rows, inspection.isLive);

  function onKeyDown(event: TargetedKeyboardEvent<HTMLDivElement>): void {
    const step = STEPS[event.key];
    if (step === undefined || rows.length === 0) return;
    event.preventDefault();
    const at = rows.findIndex(({ id }) => id === selectedId);
    const start = at < 0 ? (step > 0 ? -1 : rows.length) : at;
    const row = rows[Math.min(Math.max(start + step, 0), rows.length - 1)]!;
    inspection.select(row.id);
    document.getElementById(optionId(row.id))?.scrollIntoView({ block: 'nearest' });
  }

  const active = rows.some(({ id }) => id === selectedId) ? selectedId : undefined;
  return (
    <div class="ladder">
      <div class="ladder-head" aria-hidden="true">
        <span>Time</span>
        <span class="ladder-posts">
          <span>Tab</span>
          <span>Relay</span>
          <span>Gateway</span>
        </span>
        <span class="rung-size">Size</span>
      </div>
      {(older || inspection.hasNewer) && <Pager inspection={inspection} />}
      <div
        ref={list}
        class="ladder-list"
        role="listbox"
        aria-label="Packets"
        tabIndex={0}
        aria-activedescendant={active === undefined ? undefined : optionId(active)}
        onKeyDown={onKeyDown}
      >
        {rows.map((row) => (
          <Rung
            key={row.id}
            row={row}
            since={inspection.state.value?.since ?? row.time}
            isSelected={row.id === selectedId}
            select={() => inspection.select(row.id)}
          />
        ))}
      </div>
      {rows.length === 0 && <p class="muted ladder-empty">No packet to show.</p>}
    </div>
  );
}

function Pager({ inspection }: { readonly inspection: Inspection }): VNode {
  return (
    <div class="ladder-pager">
      {inspection.page.value.older && (
        <button class="secondary small" type="button" onClick={() => inspection.older()}>
          Older packets
        </button>
      )}
      {inspection.hasNewer && (
        <button class="secondary small" type="button" onClick={() => inspection.newer()}>
          Newer packets
        </button>
      )}
    </div>
  );
}

interface RungProps {
  readonly row: PacketRow;
  /** When the recording began, as `Date` counts. */
  readonly since: number;
  readonly isSelected: boolean;
  readonly select: () => void;
}

function Rung({ row, since, isSelected, select }: RungProps): VNode {
  const { id, direction, peer, protocol, size } = row;
  const meaning = plainText(row.meaning, 400);
  const time = ((row.time - since) / 1000).toFixed(3);
  const way = direction === 'out' ? `from the tab to the ${peer}` : `from the ${peer} to the tab`;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the list has the focus and takes the keys
    // biome-ignore lint/a11y/useFocusableInteractive: it is the list's active descendant
    <div
      id={optionId(id)}
      class={`rung is-${direction} to-${peer} tone-${TONES[protocol]}`}
      role="option"
      aria-selected={isSelected}
      onClick={select}
    >
      <span class="rung-time">
        {time}
        <span class="visually-hidden"> seconds, {way}, </span>
      </span>
      <span class="rung-posts">
        <span class="rung-label">
          <span class="rung-protocol">{protocol}</span> {meaning}
        </span>
        <span class="rung-arrow" />
      </span>
      <span class="rung-size">
        {size}
        <span class="visually-hidden"> bytes</span>
      </span>
    </div>
  );
}

const TONES: Readonly<Record<PacketRow['protocol'], string>> = {
  Relay: 'relay',
  IKE: 'keys',
  ESP: 'keys',
  L2TP: 'link',
  PPP: 'link',
  ICMP: 'data',
  DNS: 'data',
  UDP: 'data',
  TCP: 'data',
  IP: 'data',
};

function optionId(id: number): string {
  return `packet-${id}`;
}

/** Keeps the end of the list in sight as long as it is. */
function useFollowing(
  list: { readonly current: HTMLDivElement | null },
  rows: readonly PacketRow[],
  isLive: boolean,
): void {
  const atEnd = useRef(true);
  useEffect(() => {
    const element = list.current;
    if (element === null) return;
    const onScroll = () => {
      const below = element.scrollHeight - element.scrollTop - element.clientHeight;
      atEnd.current = below < END_SLACK;
    };
    element.addEventListener('scroll', onScroll);
    return () => element.removeEventListener('scroll', onScroll);
  }, [list]);
  useEffect(() => {
    const element = list.current;
    if (element !== null && isLive && atEnd.current) element.scrollTop = element.scrollHeight;
  }, [list, rows, isLive]);
}
