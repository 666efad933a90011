/** What a figure is made of: medians, because a busy machine only ever makes a round slower. */

/** The middle value; of an even number, the mean of the middle two. Throws `RangeError` without any. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Half of all values lie within this share of the median: the interquartile range over the median. */
export function spread(values: readonly number[]): number {
  const middle = median(values);
  return middle === 0 ? 0 : (quantile(values, 0.75) - quantile(values, 0.25)) / middle;
}

/** The value below which a share of `at` lies, between the neighbours in proportion. */
export function quantile(values: readonly number[], at: number): number {
  if (values.length === 0) throw new RangeError('values: none');
  const sorted = values.toSorted((a, b) => a - b);
  const place = at * (sorted.length - 1);
  const below = sorted[Math.floor(place)]!;
  const above = sorted[Math.ceil(place)]!;
  return below + (above - below) * (place - Math.floor(place));
}
