/** The largest of the values in a window of time that is counted in rounds, cycles or whatever the caller counts. */
export class MaxFilter {
  /** Falling values at rising times: each is the largest since the one before. */
  readonly #values: number[] = [];
  readonly #times: number[] = [];

  get maximum(): number {
    return this.#values[0] ?? 0;
  }

  /** Values of up to `length` counts ago, the present included, stay. */
  update(value: number, time: number, length: number): void {
    const values = this.#values;
    const times = this.#times;
    while (values.length > 0 && values[values.length - 1]! <= value) {
      values.pop();
      times.pop();
    }
    if (times[times.length - 1] === time) return this.#expire(time - length);
    values.push(value);
    times.push(time);
    this.#expire(time - length);
  }

  #expire(last: number): void {
    while (this.#times.length > 1 && this.#times[0]! <= last) {
      this.#times.shift();
      this.#values.shift();
    }
  }
}
