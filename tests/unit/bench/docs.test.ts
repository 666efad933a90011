import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { withFigures } from '../../../bench/figures.ts';
import { readRows } from '../../../bench/harness/results-file.ts';
import { plots } from '../../../bench/plots.ts';

const page = readFileSync(new URL('../../../docs/benchmarks.md', import.meta.url), 'utf8');

it('the page has the figures of the last run', () => {
  expect(readRows().length).toBeGreaterThan(0);
  expect(withFigures(page, readRows())).toBe(page);
});

it('the pictures show the figures of the last run, and the page shows the pictures', () => {
  const drawn = Object.entries(plots(readRows()));
  expect(drawn.length).toBeGreaterThan(0);
  for (const [file, picture] of drawn) {
    expect(readFileSync(file, 'utf8')).toBe(picture);
    expect(page).toContain(`](images/${file.split('/').at(-1)})`);
  }
});

it('a page without a place for figures is a mistake', () => {
  expect(() => withFigures('# Benchmarks', [])).toThrow('no place');
});
