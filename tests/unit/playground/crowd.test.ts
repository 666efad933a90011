import { afterAll, beforeAll, expect, test } from 'vitest';
import { PlaygroundProgram, type Visitor, visit } from '../../support/crowd.ts';

const VISITORS = 12;

let program: PlaygroundProgram;
let visitors: readonly Visitor[] = [];

beforeAll(async () => {
  program = await PlaygroundProgram.start(VISITORS);
}, 60_000);

afterAll(async () => {
  await Promise.all(visitors.map((visitor) => visitor.leave()));
  await program?.stop();
}, 60_000);

test('many visitors at once each have an address of their own and the wiki’s first page', async () => {
  visitors = await Promise.all(Array.from({ length: VISITORS }, () => visit(program.origin)));
  const addresses = new Set(visitors.map(({ session }) => session.address));
  expect(addresses.size).toBe(VISITORS);
  const pages = await Promise.all(visitors.map((each) => each.get('http://wiki.intranet.test/')));
  for (const page of pages) expect(page).toMatch(/^HTTP\/1\.1 200 [\s\S]*<\/html>/);
}, 60_000);
