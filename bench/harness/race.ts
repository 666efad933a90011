/** Contestants that take turns in one run, so that a slow moment of the machine hits all of them. */

/** Works for a moment and answers the figure that this gave. */
export type Lap = () => number | Promise<number>;

/** The figures of each contestant, round by round: those of one index belong together. */
export type Laps = Readonly<Record<string, readonly number[]>>;

export interface RaceOptions {
  readonly rounds: number;
  /** Rounds before the first that counts: compilers are done by then, and caches full. */
  readonly warmUp: number;
}

/** Every other round goes backwards, so that nobody always follows the same neighbour. */
export async function race(
  contestants: Readonly<Record<string, Lap>>,
  { rounds, warmUp }: RaceOptions,
): Promise<Laps> {
  const names = Object.keys(contestants);
  const laps: Record<string, number[]> = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = -warmUp; round < rounds; round++) {
    const order = round % 2 === 0 ? names : names.toReversed();
    for (const name of order) {
      const figure = await contestants[name]!();
      if (round >= 0) laps[name]!.push(figure);
    }
  }
  return laps;
}
