/** The largest of the values in a window of time that is counted in rounds, cycles or whatever the caller counts. */
export class MaxFilter {
  /** Falling values at rising times, `#count` of them: each is the largest since the one before. */
  readonly #values: number[] = [];
  readonly #times: number[] = [];
  #count = 0;

  get maximum(): number {
    return this.#count > 0 ? this.#values[0]! : 0;
  }

  /** Values of up to `length` counts ago, the present included, stay. */
  update(value: number, time: number, length: number): void {
    const values = this.#values;
    const times = this.#times;
    let at = this.#count;
    while (at > 0 && values[at - 1]! <= value) at--;
    if (at === 0 || times[at - 1] !== time) {
      values[at] = value;
      times[at] = time;
      at++;
    }
    this.#count = at;
    while (this.#count > 1 && times[0]! <= time - length) this.#forgetFirst();
  }

  #forgetFirst(): void {
    this.#times.copyWithin(0, 1, this.#count);
    this.#values.copyWithin(0, 1, this.#count);
    this.#count--;
  }
}
