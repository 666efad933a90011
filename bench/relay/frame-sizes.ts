/** Frames of the size that the tab sends beside smaller and bigger ones. */
import { type Row, rowOf } from '../harness/results.ts';
import { BURST, FRAME_SIZES } from './protocols.ts';

/** One row: the flush size as ours, the others as its peers. */
export function frameSizeRow(
  who: string,
  where: string,
  lapsOf: (size: (typeof FRAME_SIZES)[number]) => readonly number[],
): Row {
  const others = FRAME_SIZES.filter((size) => size !== BURST);
  return rowOf(
    { bench: 'frames', case: `${who}, frames of ${BURST} packets`, where, unit: 'µs CPU/packet' },
    lapsOf(BURST),
    Object.fromEntries(others.map((size) => [`of ${size}`, lapsOf(size)])),
  );
}
