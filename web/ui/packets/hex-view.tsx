/** A packet's bytes, those of the field in question marked. */
import { useSignal } from '@preact/signals';
import type { VNode } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import type { PacketBuffer, PacketRange } from '../../../shared/inspect/view.ts';
import { formatSize } from '../format.ts';
import { HEX_BYTES_LIMIT, type HexPart, hexLines } from './hex-lines.ts';

/** Where 16 bytes fit side by side. */
const WIDE = '(min-width: 40rem)';

export interface HexViewProps {
  readonly buffer: PacketBuffer;
  readonly marked: PacketRange;
}

export function HexView({ buffer, marked }: HexViewProps): VNode {
  const width = useWidth();
  const { start, end } = marked;
  const lines = useMemo(() => hexLines(buffer, width, { start, end }), [buffer, width, start, end]);
  return (
    <div class="hex">
      <p class="hex-title">
        {buffer.name} <span class="muted">{formatSize(buffer.bytes.length)}</span>
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable */}
      <section class="hex-lines" aria-label="Bytes" tabIndex={0}>
        {lines.map(({ offset, parts }) => (
          <div class="hex-line" key={offset}>
            <span class="hex-offset">{offset}</span>
            <span class="hex-bytes">{spread(parts, 'hex', ' ')}</span>
            <span class="hex-text" aria-hidden="true">
              {spread(parts, 'text', '')}
            </span>
          </div>
        ))}
      </section>
      {buffer.bytes.length > HEX_BYTES_LIMIT && (
        <p class="muted">The first {formatSize(HEX_BYTES_LIMIT)} are shown.</p>
      )}
    </div>
  );
}

function spread(parts: readonly HexPart[], kind: 'hex' | 'text', between: string) {
  return parts.map((part, index) => {
    const gap = index === 0 ? '' : between;
    return part.isMarked ? [gap, <mark key="marked">{part[kind]}</mark>] : gap + part[kind];
  });
}

function useWidth(): number {
  const isWide = useSignal(matchMedia(WIDE).matches);
  useEffect(() => {
    const query = matchMedia(WIDE);
    const onChange = () => {
      isWide.value = query.matches;
    };
    query.addEventListener('change', onChange);
    return () => query.removeEventListener('change', onChange);
  }, [isWide]);
  return isWide.value ? 16 : 8;
}
