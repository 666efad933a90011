/** The parts of the benchmarks: the programs each consists of and what they need of the machine. */
import type { Need } from './harness/needs.ts';
import type { Part } from './harness/part.ts';
import { KERNEL_CASES } from './tcp/kernel-cases.ts';

interface Step extends Part {
  readonly title: string;
  readonly needs?: readonly Need[];
}

export const PARTS: readonly {
  readonly name: string;
  readonly needs: readonly Need[];
  readonly steps: readonly Step[];
}[] = [
  {
    name: 'esp',
    needs: ['module'],
    steps: [
      { title: 'ESP in Node', program: 'bench/esp/node.ts', pinned: true },
      { title: 'Batches of ESP packets', program: 'bench/esp/batches.ts', pinned: true },
      {
        title: 'ESP in a Chromium worker',
        program: 'bench/esp/chromium.ts',
        pinned: true,
        needs: ['programs'],
      },
      {
        title: 'ESP in a Chromium worker, by the wall clock',
        program: 'bench/esp/chromium.ts',
        args: ['wall'],
        pinned: false,
        needs: ['programs'],
      },
    ],
  },
  {
    name: 'relay',
    needs: ['linux'],
    steps: [
      relayStep('up', 'The relay up, 1 to 1,000 sessions'),
      relayStep('down', 'The relay down, 1 to 1,000 sessions'),
      relayStep('fair-up', 'The relay up, shares of eight sessions'),
      relayStep('fair-down', 'The relay down, shares of eight sessions'),
      relayStep('raw-esp', 'The relay up, raw ESP onto a wire'),
    ],
  },
  {
    name: 'frames',
    needs: ['linux'],
    steps: [
      relayStep('frames', 'Sizes of frames, in the relay'),
      {
        title: 'Sizes of frames, in the tab',
        program: 'bench/relay/frames-in-tab.ts',
        pinned: false,
        needs: ['programs'],
      },
    ],
  },
  {
    name: 'tunnel',
    needs: ['module', 'programs', 'guest'],
    steps: [
      { title: 'The whole tunnel in Chromium', program: 'bench/tunnel/main.ts', pinned: false },
    ],
  },
  {
    name: 'tcp',
    needs: [],
    steps: [
      { title: 'TCP back to back', program: 'bench/tcp/cpu.ts', pinned: true },
      {
        title: 'A thousand TCP connections',
        program: 'bench/tcp/connections.ts',
        pinned: true,
      },
      { title: 'TCP in virtual time', program: 'bench/tcp/virtual.ts', pinned: true },
      ...KERNEL_CASES.map(({ name }) => kernelStep(name)),
    ],
  },
];

/** A relay that is measured has a processor to itself, so the part as a whole is not pinned. */
function relayStep(measurement: string, title: string): Step {
  return { title, program: 'bench/relay/main.ts', args: [measurement], pinned: false };
}

function kernelStep(name: string): Step {
  const title = `TCP beside the kernel: ${name}`;
  const program = 'bench/tcp/kernel.ts';
  return { title, program, args: [name], pinned: false, needs: ['programs', 'tun'] };
}
