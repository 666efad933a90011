/**
 * What a relay costs: processor time per packet in both directions, from one session to a thousand, beside wisp-js,
 * the public relay of this kind; and whether eight sessions that all want everything get the same.
 */

import { answer } from '../harness/part.ts';
import { type Lap, race } from '../harness/race.ts';
import { type Row, rowOf } from '../harness/results.ts';
import { contenders, OURS_ALONE } from './contenders.ts';
import { type Contender, type Direction, Line } from './line.ts';
import { rawEspObstacle, rawEspRows } from './raw-esp.ts';

const SESSIONS = [1, 10, 100, 1000] as const;
const FAIR_SESSIONS = 8;
const DIRECTIONS = ['up', 'down'] as const;
const WARM_UP_ROUNDS = 2;

await answer(async ({ rounds }, say) => {
  const options = { rounds: Math.ceil(rounds / 2), warmUp: WARM_UP_ROUNDS };
  const { ours, peers } = contenders();
  const all = [...ours, ...peers];
  const rows: Row[] = [];
  for (const direction of DIRECTIONS) {
    say(`processor time ${direction}, ${SESSIONS.join(', ')} sessions`);
    const key = ({ name }: Contender, sessions: number) => `${name}, ${sessions}`;
    const laps = await onLines(
      all.flatMap((contender) =>
        SESSIONS.map((sessions) => ({ name: key(contender, sessions), contender, sessions })),
      ),
      direction,
      (line) => () => line.cpuPerPacket(),
      options,
    );
    for (const contender of ours) {
      for (const sessions of SESSIONS) {
        const theirs = Object.fromEntries(
          peers.map((peer) => [peer.name, laps[key(peer, sessions)]!]),
        );
        const alone = laps[key(contender, 1)]!;
        rows.push(
          rowOf(
            {
              bench: 'relay',
              case: `${direction}, ${contender.name}, ${plural(sessions)}`,
              where: 'Node',
              unit: 'µs CPU/packet',
            },
            laps[key(contender, sessions)]!,
            { ...theirs, ...(sessions > 1 && { [OURS_ALONE]: alone }) },
          ),
        );
      }
    }
  }
  for (const direction of DIRECTIONS) {
    say(`fairness ${direction}, ${FAIR_SESSIONS} sessions`);
    const laps = await onLines(
      all.map((contender) => ({ name: contender.name, contender, sessions: FAIR_SESSIONS })),
      direction,
      (line) => () => line.fairness(),
      options,
    );
    for (const { name } of ours) {
      rows.push(
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
  }
  const noRawEsp = rawEspObstacle();
  if (noRawEsp === undefined) rows.push(...(await rawEspRows(options, say)));
  else say(`LEFT OUT raw ESP: ${noRawEsp}`);
  return rows;
});

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
  options: { readonly rounds: number; readonly warmUp: number },
): Promise<Awaited<ReturnType<typeof race>>> {
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
