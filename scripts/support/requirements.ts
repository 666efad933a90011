/**
 * What the RFCs require, by hand in `docs/requirements/rfcN.txt`: a line for each requirement with its section, its level and our own
 * short words for it, and below it, indented, where it is obeyed and what shows it, or why not.
 *
 *     §3.3 MUST L2TP comes from the port that the tunnel was set up with
 *       code shared/vpn/peer-port.ts accepts
 *       test tests/unit/vpn/peer-port.test.ts: nothing but the port of the SAs is taken
 *     §2.1 MAY tunnel mode
 *       deviation transport mode is all that L2TP needs
 *     §5.1.2 SHOULD the LNS trusts several authorities
 *       elsewhere the gateway's
 *
 * The first line of the file is the RFC's title.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface CodeLink {
  readonly file: string;
  readonly symbol: string;
}

interface TestLink {
  readonly file: string;
  readonly title: string;
}

export interface Requirement {
  readonly section: string;
  readonly level: string;
  readonly text: string;
  readonly code: readonly CodeLink[];
  readonly tests: readonly TestLink[];
  /** Why it is not obeyed. */
  readonly deviation?: string;
  /** Why it is nobody's here to obey. */
  readonly elsewhere?: string;
}

const HEAD = /^(§[\w.]+|appendix [\w.]+) ((?:MUST|SHOULD|MAY)(?: NOT)?) (\S.*)$/;

/** Throws `Error`, naming the line, for what has another form, and for a requirement about which nothing is said. */
export function parseRequirements(text: string): {
  readonly title: string;
  readonly requirements: readonly Requirement[];
} {
  const [title = '', ...lines] = text.trimEnd().split('\n');
  const blocks: string[][] = [];
  for (const line of lines) {
    if (line.startsWith('  ') && blocks.length > 0) blocks.at(-1)!.push(line.trim());
    else if (line !== '') blocks.push([line]);
  }
  return { title, requirements: blocks.map(([head = '', ...rest]) => parseOne(head, rest)) };
}

function parseOne(head: string, lines: readonly string[]): Requirement {
  const match = HEAD.exec(head);
  if (match === null) throw new Error(`not a requirement: ${head}`);
  const [, section = '', level = '', text = ''] = match;
  const rest = (key: string): string[] =>
    lines.flatMap((line) => (line.startsWith(`${key} `) ? [line.slice(key.length + 1)] : []));
  const code = rest('code').map((each) => {
    const [file = '', symbol = ''] = each.split(' ');
    return { file, symbol };
  });
  const tests = rest('test').map((each) => {
    const at = each.indexOf(': ');
    return { file: each.slice(0, at), title: each.slice(at + 2) };
  });
  const [deviation] = rest('deviation');
  const [elsewhere] = rest('elsewhere');
  const known = [...rest('code'), ...rest('test'), ...rest('deviation'), ...rest('elsewhere')];
  if (known.length !== lines.length) throw new Error(`unknown word below: ${head}`);
  if (deviation === undefined && elsewhere === undefined && (!code.length || !tests.length)) {
    throw new Error(`neither code with a test nor a reason: ${head}`);
  }
  return {
    section,
    level,
    text,
    code,
    tests,
    ...(deviation !== undefined && { deviation }),
    ...(elsewhere !== undefined && { elsewhere }),
  };
}

/** What of the links leads nowhere: a file, a name in its code, or a test's title. */
export function brokenLinks(root: string, { code, tests }: Requirement): readonly string[] {
  const read = (file: string): string | undefined =>
    file !== '' && existsSync(join(root, file))
      ? readFileSync(join(root, file), 'utf8')
      : undefined;
  return [
    ...code
      .filter(({ file, symbol }) => !names(read(file), symbol))
      .map(({ file, symbol }) => `${file} ${symbol}`),
    ...tests
      .filter(({ file, title }) => !hasTest(read(file), title))
      .map(({ file, title }) => `${file}: ${title}`),
  ];
}

/** Whether the code, comments left out, has the name. */
function names(source: string | undefined, symbol: string): boolean {
  const code = source?.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  return symbol !== '' && new RegExp(`\\b${symbol}\\b`).test(code ?? '');
}

/** Whether the file has a literal of exactly that title. */
function hasTest(source: string | undefined, title: string): boolean {
  return title !== '' && ["'", '"', '`'].some((quote) => source?.includes(quote + title + quote));
}
