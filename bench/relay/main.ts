/**
 * What a relay costs: processor time per packet from one session to a thousand, beside wisp-js, the public relay of this
 * kind; and whether eight sessions that all want everything get the same. Told which of the measurements to make.
 */
import { answer } from '../harness/part.ts';
import { type Lap, type Laps, type RaceOptions, race } from '../harness/race.ts';
import { type Row, rowOf } from '../harness/results.ts';
import { contenders, OURS_ALONE } from './contenders.ts';
import { frameSizeRow } from './frame-sizes.ts';
import { type Contender, type Direction, Line } from './line.ts';
import { FRAME_SIZES } from './protocols.ts';
import { rawEspObstacle, rawEspRows } from './raw-esp.ts';

const SESSIONS = [1, 10, 100, 1000] as const;
const FAIR_SESSIONS = 8;
const WARM_UP_ROUNDS = 5;

type Say = (line: string) => void;
type Measurement = (options: RaceOptions, say: Say) => Promise<Row[]>;

const MEASUREMENTS: Readonly<Record<string, Measurement>> = {
  up: (options) => costs('up', options),
  down: (options) => costs('down', options),
  frames: frameSizes,
  'fair-up': (options) => fairness('up', options),
  'fair-down': (options) => fairness('down', options),
  'raw-esp': async (options, say) => {
    const obstacle = rawEspObstacle();
    if (obstacle === undefined) return await rawEspRows(options);
    say(`LEFT OUT: ${obstacle}`);
    return [];
  },
};

await answer(({ rounds }, say) =>
  MEASUREMENTS[process.argv[2] ?? '']!(
    { rounds: Math.ceil(rounds / 2), warmUp: WARM_UP_ROUNDS },
    say,
  ),
);

async function costs(direction: Direction, options: RaceOptions): Promise<Row[]> {
  const { ours, peers } = contenders();
  const key = ({ name }: Contender, sessions: number) => `${name}, ${sessions}`;
  const laps = await onLines(
    [...ours, ...peers].flatMap((contender) =>
      SESSIONS.map((sessions) => ({ name: key(contender, sessions), contender, sessions })),
    ),
    direction,
    (line) => () => line.cpuPerPacket(),
    options,
  );
  return ours.flatMap((contender) =>
    SESSIONS.map((sessions) => {
      const theirs = peers.map((peer) => [peer.name, laps[key(peer, sessions)]!]);
      return rowOf(
        {
          bench: 'relay',
          case: `${direction}, ${contender.name}, ${plural(sessions)}`,
          where: 'Node',
          unit: 'µs CPU/packet',
        },
        laps[key(contender, sessions)]!,
        {
          ...Object.fromEntries(theirs),
          ...(sessions > 1 && { [OURS_ALONE]: laps[key(contender, 1)]! }),
        },
      );
    }),
  );
}

/** What the size of a client's frames does to the cost of the packets in them. */
async function frameSizes(options: RaceOptions): Promise<Row[]> {
  const nameOf = ({ name }: Contender, size: number) => `${name}, ${size}`;
  const { ours } = contenders();
  const laps = await onLines(
    ours.flatMap((contender) =>
      FRAME_SIZES.map((size) => ({
        name: nameOf(contender, size),
        contender: { ...contender, protocol: `frames-${size}` as const },
        sessions: 1,
      })),
    ),
    'up',
    (line) => () => line.cpuPerPacket(),
    options,
  );
  return ours.map((contender) =>
    frameSizeRow(contender.name, 'Node', (size) => laps[nameOf(contender, size)]!),
  );
}

async function fairness(direction: Direction, options: RaceOptions): Promise<Row[]> {
  const { ours, peers } = contenders();
  const laps = await onLines(
    [...ours, ...peers].map((contender) => ({
      name: contender.name,
      contender,
      sessions: FAIR_SESSIONS,
    })),
    direction,
    (line) => () => line.fairness(),
    options,
  );
  return ours.map(({ name }) =>
    rowOf(
      {
        bench: 'relay',
        case: `slowest of ${FAIR_SESSIONS} sessions ${direction}, ${name}`,
        where: 'Node',
        unit: 'share of the fastest',
      },
      laps[name]!,
      Object.fromEntries(peers.map((peer) => [peer.name, laps[peer.name]!])),
    ),
  );
}

interface Entrant {
  readonly name: string;
  readonly contender: Contender;
  readonly sessions: number;
}

/** Starts a line for each, races them and ends them. */
async function onLines(
  entrants: readonly Entrant[],
  direction: Direction,
  lapOf: (line: Line) => Lap,
  options: RaceOptions,
): Promise<Laps> {
  const lines: Line[] = [];
  try {
    const laps: Record<string, Lap> = {};
    for (const { name, contender, sessions } of entrants) {
      const line = await Line.start(contender, direction, sessions);
      lines.push(line);
      laps[name] = lapOf(line);
    }
    return await race(laps, options);
  } finally {
    await Promise.all(lines.map((line) => line.stop()));
  }
}

function plural(sessions: number): string {
  return sessions === 1 ? '1 session' : `${sessions.toLocaleString('en')} sessions`;
}
