/** Milliseconds of processor time that this process has used, with all its threads. */
export function cpuMillis(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
