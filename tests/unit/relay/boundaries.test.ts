import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  cruise,
  type ICruiseOptions,
  type ICruiseResult,
  type IFlattenedRuleSet,
} from 'dependency-cruiser';
import { afterAll, beforeAll, expect, test } from 'vitest';

// The project's rules over a small project in which every kind of forbidden import was planted.

const PROJECT = fileURLToPath(new URL('../../..', import.meta.url));

const PLANTED: readonly (readonly [rule: string, from: string, to: string])[] = [
  ['layers-are-siblings', 'shared/l2tp/tunnel.ts', 'shared/esp/reference.ts'],
  ['layers-are-siblings', 'shared/relay/frames.ts', 'shared/crypto/noble.ts'],
  ['ike-is-a-sibling', 'shared/ike/ike.ts', 'shared/vpn/stack.ts'],
  ['reference-suite', 'shared/crypto/noble.ts', 'shared/ppp/ppp.ts'],
  ['wire-is-the-ground', 'shared/wire/bytes.ts', 'shared/ip/stack.ts'],
  ['contracts-are-small', 'shared/esp/engine.ts', 'shared/esp/reference.ts'],
  ['inspector-only-looks', 'shared/inspect/packet.ts', 'shared/ike/ike.ts'],
  ['nobody-needs-the-inspector', 'shared/vpn/stack.ts', 'shared/inspect/packet.ts'],
  ['packet-view-is-plain', 'shared/inspect/view.ts', 'shared/isakmp/payload.ts'],
  ['core-knows-no-shell', 'shared/ip/stack.ts', 'web/worker/main.ts'],
  ['core-knows-no-shell', 'shared/ip/stack.ts', 'node:fs'],
  ['core-packages', 'shared/ip/stack.ts', 'ws'],
  ['relay-knows-no-keys', 'relay/server.ts', 'shared/ike/ike.ts'],
  ['relay-knows-no-keys', 'relay/server.ts', 'shared/errors.ts'],
  ['relay-knows-no-keys', 'relay/server.ts', 'playground/playground.ts'],
  ['relay-packages', 'relay/server.ts', '@noble/hashes/sha2.js'],
  ['relay-is-a-program', 'web/worker/main.ts', 'relay/server.ts'],
  ['relay-is-a-program', 'playground/playground.ts', 'relay/server.ts'],
  ['gateway-is-a-machine', 'playground/gateway/gateway.ts', 'node:dgram'],
  ['gateway-is-a-machine', 'playground/gateway/gateway.ts', 'playground/network/host.ts'],
  ['wasm-implements-contracts', 'wasm/index.ts', 'shared/crypto/noble.ts'],
  ['wasm-imports-contracts-as-types', 'wasm/index.ts', 'shared/crypto/suite.ts'],
  ['page-knows-no-core', 'web/ui/view.ts', 'shared/vpn/stack.ts'],
  ['page-knows-no-core', 'web/ui/view.ts', 'shared/inspect/packet.ts'],
  ['page-talks-to-the-api', 'web/ui/view.ts', 'web/worker/main.ts'],
  ['worker-knows-no-page', 'web/worker/main.ts', 'web/ui/view.ts'],
  ['nothing-unresolved', 'shared/ppp/ppp.ts', 'shared/ppp/gone.ts'],
];

const ALLOWED: readonly (readonly [from: string, to: string])[] = [
  ['shared/isakmp/payload.ts', 'shared/ike/ike.ts'],
  ['shared/l2tp/tunnel.ts', 'shared/errors.ts'],
  ['shared/l2tp/tunnel.ts', 'shared/wire/bytes.ts'],
  ['shared/ip/stack.ts', '@leichtgewicht/dns-packet'],
  ['shared/vpn/stack.ts', 'shared/l2tp/tunnel.ts'],
  ['shared/crypto/noble.ts', '@noble/hashes/sha2.js'],
  ['shared/ike/ike.ts', 'shared/crypto/suite.ts'],
  ['relay/server.ts', 'shared/relay/frames.ts'],
  ['relay/server.ts', 'ws'],
  ['web/ui/view.ts', 'web/worker/api.ts'],
  ['web/ui/view.ts', 'shared/inspect/view.ts'],
  ['shared/l2tp/avp.ts', 'shared/l2tp/tunnel.ts'],
  ['shared/l2tp/tunnel.ts', 'shared/l2tp/avp.ts'],
];

let folder: string;
let result: ICruiseResult;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'culvert-boundaries-'));
  symlinkSync(join(PROJECT, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(
    join(folder, 'package.json'),
    '{"dependencies":{"ws":"8","@noble/hashes":"2","@leichtgewicht/dns-packet":"6"}}',
  );
  const imports = new Map<string, string[]>([['shared/alone.ts', []]]);
  const edges = [...PLANTED.map(([, from, to]) => [from, to] as const), ...ALLOWED];
  for (const [from, to] of edges) {
    imports.set(from, [...(imports.get(from) ?? []), to]);
    if (to.endsWith('.ts') && !to.includes('gone') && !imports.has(to)) imports.set(to, []);
  }
  for (const [from, targets] of imports) {
    mkdirSync(dirname(join(folder, from)), { recursive: true });
    const lines = targets.map((to) => `import '${specifier(from, to)}';`);
    writeFileSync(join(folder, from), `${lines.join('\n')}\nexport const here = 1;\n`);
  }
  const { forbidden, options } = createRequire(import.meta.url)(
    join(PROJECT, '.dependency-cruiser.cjs'),
  ) as { forbidden: NonNullable<IFlattenedRuleSet['forbidden']>; options: ICruiseOptions };
  const { tsConfig: _file, ...rest } = options;
  const { output } = await cruise(['shared', 'relay', 'wasm', 'web', 'playground'], {
    ...rest,
    baseDir: folder,
    validate: true,
    ruleSet: { forbidden },
  });
  result = output as ICruiseResult;
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function specifier(from: string, to: string): string {
  if (!/^(shared|relay|wasm|web|playground)\//.test(to)) return to;
  return `${'../'.repeat(from.split('/').length - 1)}${to}`;
}

function violations(from: string, to: string): string[] {
  return result.summary.violations
    .filter((violation) => violation.from === from && matches(violation.to, to))
    .map((violation) => violation.rule.name);
}

/** A package's import is reported as the file it resolves to. */
function matches(reported: string, to: string): boolean {
  const name = to.replace(/^node:/, '');
  if (to.startsWith('shared/ppp/gone')) return reported.endsWith('gone.ts');
  return (
    reported === name || reported.includes(`node_modules/${name.split('/').slice(0, 2).join('/')}`)
  );
}

test.each(PLANTED)('%s catches %s → %s', (rule, from, to) => {
  expect(violations(from, to)).toContain(rule);
});

test.each(ALLOWED)('%s → %s is allowed', (from, to) => {
  expect(violations(from, to).filter((rule) => rule !== 'no-circles')).toEqual([]);
});

test('no-circles catches two files that import each other', () => {
  const circles = result.summary.violations.filter(({ rule }) => rule.name === 'no-circles');
  const files = circles.flatMap(({ cycle }) => cycle?.map(({ name }) => name) ?? []);
  expect(files).toEqual(expect.arrayContaining(['shared/l2tp/avp.ts', 'shared/l2tp/tunnel.ts']));
});

test('no-orphans catches a file alone', () => {
  expect(violations('shared/alone.ts', 'shared/alone.ts')).toEqual(['no-orphans']);
});
