/** One packet taken apart: its layers as a tree, its bytes beside them. */
import { useSignal } from '@preact/signals';
import type { VNode } from 'preact';
import { plainText } from '../../../shared/errors.ts';
import type { PacketDetails } from '../../../shared/inspect/view.ts';
import { FieldTree } from './field-tree.tsx';
import { HexView } from './hex-view.tsx';
import type { Selected } from './inspection.ts';
import { type TreeLine, treeLines } from './tree-lines.ts';

export function SelectedPacket({ selected }: { readonly selected: Selected }): VNode {
  if (selected.kind === 'none') {
    return <p class="muted">Select a packet to see its layers and its bytes.</p>;
  }
  if (selected.kind === 'loaded') return <Details key={selected.id} details={selected.details} />;
  if (selected.kind === 'loading') return <p class="muted">Looking…</p>;
  return <p class="notice">This packet has made room for newer ones.</p>;
}

function Details({ details }: { readonly details: PacketDetails }): VNode {
  const { row, layers, buffers } = details;
  // The innermost layer is what a packet is about.
  const innermost = `${layers.length - 1}`;
  const open = useSignal<ReadonlySet<string>>(new Set([innermost]));
  const focused = useSignal(innermost);
  const lines = treeLines(layers, open.value);
  const line = lines.find(({ path }) => path === focused.value) ?? lines[0];

  function toggle(path: string): void {
    const next = new Set(open.value);
    if (!next.delete(path)) next.add(path);
    open.value = next;
  }

  return (
    <section class="packet" aria-labelledby="packet-title">
      <h3 id="packet-title">
        {row.protocol}: {plainText(row.meaning, 400)}
      </h3>
      <div class="packet-parts">
        <FieldTree
          lines={lines}
          focused={line?.path ?? ''}
          focus={(path) => {
            focused.value = path;
          }}
          toggle={toggle}
        />
        <Bytes line={line} details={details} />
      </div>
      {buffers.some(({ masked }) => masked.length > 0) && (
        <p class="muted">The password is not shown here; a capture holds it.</p>
      )}
    </section>
  );
}

function Bytes(props: {
  readonly line: TreeLine | undefined;
  readonly details: PacketDetails;
}): VNode | null {
  const { line, details } = props;
  const buffer = details.buffers[line?.buffer ?? 0];
  if (buffer === undefined) return null;
  return <HexView buffer={buffer} marked={line?.field ?? { start: 0, end: 0 }} />;
}
