/** Straight-line AssemblyScript under construction: statements, and fresh names for their values. */
export class Code {
  readonly lines: string[] = [];
  #names = 0;

  /** A constant with this value. */
  let(expression: string): string {
    const name = `t${this.#names++}`;
    this.lines.push(`const ${name} = ${expression};`);
    return name;
  }

  add(...statements: readonly string[]): void {
    this.lines.push(...statements);
  }

  text(): string {
    return this.lines.join('\n');
  }
}

/** 0, 1, … `length - 1`. */
export function range(length: number): readonly number[] {
  return Array.from({ length }, (_, i) => i);
}
