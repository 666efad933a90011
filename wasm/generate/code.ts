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

  /**
   * What `write` answers, after the constants that it declared were put in the order of their distance from the last one
   * that needs them, the farthest first: neighbours then do not wait for each other, and the processor finds work for all
   * its units, as it does not look far ahead in vector code. Binaryen moves a constant to its first use, which leaves
   * the order of operands to tell what comes first: with `olderFirst` it is the order of the constants.
   */
  sideBySide<T>(olderFirst: boolean, write: () => T): T {
    const from = this.lines.length;
    const answer = write();
    const ordered = farthestFirst(this.lines.splice(from));
    this.lines.push(...(olderFirst ? olderOperandFirst(ordered) : ordered));
    return answer;
  }

  text(): string {
    return this.lines.join('\n');
  }
}

/** Declarations of constants, ordered by the longest chain of others that wait for them. */
function farthestFirst(declarations: readonly string[]): string[] {
  const distances = new Map<string, number>();
  const distanceOf = (name: string) => distances.get(name) ?? 0;
  for (const declaration of declarations.toReversed()) {
    const [name, ...operands] = declaration.match(/\bt\d+\b/g)!;
    for (const operand of operands) {
      distances.set(operand, Math.max(distanceOf(operand), distanceOf(name!) + 1));
    }
  }
  const distance = (declaration: string) => distanceOf(/\bt\d+\b/.exec(declaration)![0]);
  return declarations.toSorted((a, b) => distance(b) - distance(a));
}

/** The same declarations; what is AND or XOR of two vectors names first what was declared first. */
function olderOperandFirst(declarations: readonly string[]): string[] {
  const ages = new Map(declarations.map((declaration, i) => [/\bt\d+\b/.exec(declaration)![0], i]));
  const age = (name: string) => ages.get(name) ?? -1;
  return declarations.map((declaration) =>
    declaration.replace(/(v128\.\w+)\((t\d+), (t\d+)\)/, (same, operation, a, b) =>
      age(a) > age(b) ? `${operation}(${b}, ${a})` : same,
    ),
  );
}

/** 0, 1, … `length - 1`. */
export function range(length: number): readonly number[] {
  return Array.from({ length }, (_, i) => i);
}
