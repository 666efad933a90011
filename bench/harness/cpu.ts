/** The processor time of a process or thread, out of Linux's /proc, in nanoseconds there. */
import { readdirSync, readFileSync } from 'node:fs';

/** Milliseconds that the processes have used with all the threads they have now. */
export function cpuMillis(pids: readonly number[]): number {
  let sum = 0;
  for (const pid of pids) {
    for (const thread of threadsOf(pid)) sum += threadCpuMillis(pid, thread);
  }
  return sum;
}

function threadsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

/** Milliseconds that a thread has used; 0 once it has ended. The first field of its schedstat. */
export function threadCpuMillis(pid: number, thread: string): number {
  try {
    const text = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8');
    return Number(text.split(' ')[0]) / 1e6;
  } catch {
    return 0;
  }
}
