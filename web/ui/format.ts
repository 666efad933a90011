/** Numbers and times as people read them. */

const numbers = new Intl.NumberFormat('en');

/** A count of bytes: `512 bytes`, `1.5 kB`, `20.0 MB` (decimal units). */
export function formatBytes(bytes: number): string {
  if (bytes === 1) return '1 byte';
  if (bytes < 1000) return `${bytes} bytes`;
  let value = bytes;
  let unit = '';
  for (unit of ['kB', 'MB', 'GB', 'TB']) {
    value /= 1000;
    if (value < 999.95) break;
  }
  return `${value.toFixed(1)} ${unit}`;
}

/** A size both ways: `20.0 MB (20,000,000 bytes)`. */
export function formatSize(bytes: number): string {
  if (bytes < 1000) return formatBytes(bytes);
  return `${formatBytes(bytes)} (${numbers.format(bytes)} bytes)`;
}

/** Milliseconds of a round trip: `0.42 ms`, `12.3 ms`, `120 ms`. */
export function formatRoundTrip(millis: number): string {
  const digits = millis < 10 ? 2 : millis < 100 ? 1 : 0;
  return `${millis.toFixed(digits)} ms`;
}

/** How long something took: `320 ms`, `4.2 s`, `3 min 05 s`. */
export function formatDuration(millis: number): string {
  const whole = Math.round(millis);
  if (whole < 1000) return `${whole} ms`;
  if (whole < 60_000) return `${(Math.floor(whole / 100) / 10).toFixed(1)} s`;
  return formatAge(whole);
}

/** How long something has lasted, in whole seconds: `4 s`, `3 min 05 s`, `2 h 07 min`. */
export function formatAge(millis: number): string {
  const seconds = Math.max(0, Math.floor(millis / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${pad(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${pad(minutes % 60)} min`;
}

/** The mean speed of a transfer in bits per second: `83.2 Mbit/s`. */
export function formatRate(bytes: number, millis: number): string {
  const megabits = (bytes * 8) / 1000 / Math.max(millis, 1);
  return megabits < 1 ? `${(megabits * 1000).toFixed(0)} kbit/s` : `${megabits.toFixed(1)} Mbit/s`;
}

function pad(value: number): string {
  return String(value).padStart(2, '0');
}
