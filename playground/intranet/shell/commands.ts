/** What the shell can do. Nothing here reaches beyond the visitor's own tree of files. */
import { posix } from 'node:path';
import { FileError, type FileTree, HOME, resolvePath, type TreeNode } from './file-tree.ts';
import { parseLine } from './words.ts';

/** The state of one shell. */
export interface Shell {
  readonly files: FileTree;
  /** Dotted address of the visitor, and the host's name. */
  readonly visitor: string;
  readonly hostName: string;
  /** The folder it is in. */
  folder: string;
  /** Of the terminal, where there is one. */
  size: { columns: number; rows: number } | undefined;
  /** Until it is to end. */
  running: boolean;
}

export interface Result {
  /** Lines end with `\n`. */
  readonly output: string;
  /** 0: it worked. */
  readonly status: number;
}

interface Command {
  readonly usage: string;
  readonly about: string;
  /** Throws `FileError`, or `UsageError`. */
  run(shell: Shell, args: readonly string[]): string;
}

class UsageError extends Error {}

const NUMBERS_LIMIT = 100_000;

/** Bytes of files that are shown at a time. */
const OUTPUT_LIMIT = 2_000_000;

/** Runs one line. */
export function runLine(shell: Shell, line: string): Result {
  let name = 'sh';
  try {
    const { words, target } = parseLine(line);
    const [first, ...args] = words;
    if (first === undefined) return { output: '', status: 0 };
    name = first;
    const command = COMMANDS.get(first);
    if (command === undefined) {
      return { output: `${first}: no such command; help lists what there is\n`, status: 127 };
    }
    const output = command.run(shell, args);
    if (target === undefined) return { output, status: 0 };
    writeText(shell, target.path, output, target.append);
    return { output: '', status: 0 };
  } catch (error) {
    if (error instanceof UsageError) {
      return { output: `usage: ${COMMANDS.get(name)?.usage ?? name}\n`, status: 2 };
    }
    if (error instanceof FileError || error instanceof SyntaxError) {
      return { output: `${name}: ${error.message}\n`, status: 1 };
    }
    throw error;
  }
}

const COMMANDS: ReadonlyMap<string, Command> = new Map(
  Object.entries({
    help: { usage: 'help', about: 'this list', run: () => help() },
    ls: { usage: 'ls [-l] [folder]', about: 'what is in a folder', run: list },
    tree: { usage: 'tree [folder]', about: 'the same with all that is below', run: tree },
    cd: { usage: 'cd [folder]', about: 'go to another folder', run: changeFolder },
    pwd: { usage: 'pwd', about: 'where you are', run: ({ folder }) => `${folder}\n` },
    cat: { usage: 'cat file …', about: 'what is in a file', run: concatenate },
    echo: {
      usage: 'echo word … [> file]',
      about: 'say something, or write it down',
      run: (_, args) => `${args.join(' ')}\n`,
    },
    mkdir: { usage: 'mkdir folder', about: 'make a folder', run: makeFolder },
    mv: { usage: 'mv from to', about: 'give another name', run: move },
    rm: { usage: 'rm file …', about: 'remove files and empty folders', run: remove },
    whoami: {
      usage: 'whoami',
      about: 'who you are',
      run: ({ visitor }) => `guest, from ${visitor}\n`,
    },
    hostname: { usage: 'hostname', about: 'where you are', run: ({ hostName }) => `${hostName}\n` },
    date: { usage: 'date', about: 'what time it is', run: () => `${new Date().toUTCString()}\n` },
    size: { usage: 'size', about: 'how large your terminal is', run: terminalSize },
    colors: { usage: 'colors', about: 'what your terminal can show', run: () => colors() },
    seq: { usage: 'seq last', about: 'numbers, as many as you like to scroll', run: numbers },
    clear: { usage: 'clear', about: 'clear the screen', run: () => '\x1b[H\x1b[2J' },
    exit: { usage: 'exit', about: 'leave', run: leave },
  } satisfies Record<string, Command>),
);

function help(): string {
  const lines = [...COMMANDS.values()].map(({ usage, about }) => `${usage.padEnd(24)}${about}\n`);
  return lines.join('');
}

function list({ files, folder }: Shell, args: readonly string[]): string {
  const long = args[0] === '-l';
  const [path = '.', ...more] = long ? args.slice(1) : args;
  if (more.length > 0 || path.startsWith('-')) throw new UsageError();
  const full = resolvePath(folder, path);
  const node = files.node(full);
  const entries: readonly (readonly [string, TreeNode])[] =
    node.kind === 'folder' ? sorted(node.entries) : [[posix.basename(full), node]];
  return entries
    .map(([name, each]) =>
      long ? `${longLine(each)} ${shown(name, each)}\n` : `${shown(name, each)}\n`,
    )
    .join('');
}

function tree({ files, folder }: Shell, [path = '.', ...more]: readonly string[]): string {
  if (more.length > 0) throw new UsageError();
  const lines: string[] = [];
  const walk = (entries: ReadonlyMap<string, TreeNode>, indent: string): void => {
    const all = sorted(entries);
    for (const [i, [name, node]] of all.entries()) {
      const last = i === all.length - 1;
      lines.push(`${indent}${last ? '└── ' : '├── '}${shown(name, node)}\n`);
      if (node.kind === 'folder') walk(node.entries, `${indent}${last ? '    ' : '│   '}`);
    }
  };
  walk(files.folder(resolvePath(folder, path)).entries, '');
  return lines.join('');
}

function changeFolder(shell: Shell, [path = HOME, ...more]: readonly string[]): string {
  if (more.length > 0) throw new UsageError();
  const full = resolvePath(shell.folder, path);
  shell.files.folder(full);
  shell.folder = full;
  return '';
}

function concatenate({ files, folder }: Shell, args: readonly string[]): string {
  if (args.length === 0) throw new UsageError();
  const all = args.map((path) => files.file(resolvePath(folder, path)).bytes);
  const length = all.reduce((sum, bytes) => sum + bytes.length, 0);
  if (length > OUTPUT_LIMIT) throw new FileError('too much at once');
  return Buffer.concat(all).toString();
}

function makeFolder({ files, folder }: Shell, [path, ...more]: readonly string[]): string {
  if (path === undefined || more.length > 0) throw new UsageError();
  files.makeFolder(resolvePath(folder, path));
  return '';
}

function move({ files, folder }: Shell, [from, to, ...more]: readonly string[]): string {
  if (from === undefined || to === undefined || more.length > 0) throw new UsageError();
  const source = resolvePath(folder, from);
  const target = resolvePath(folder, to);
  const into = files.find(target)?.kind === 'folder';
  files.rename(source, into ? posix.join(target, posix.basename(source)) : target);
  return '';
}

function remove({ files, folder }: Shell, args: readonly string[]): string {
  if (args.length === 0) throw new UsageError();
  for (const path of args) files.remove(resolvePath(folder, path));
  return '';
}

function terminalSize({ size }: Shell): string {
  return size === undefined ? 'no terminal\n' : `${size.columns} columns, ${size.rows} rows\n`;
}

function colors(): string {
  const cell = (color: number) => `\x1b[48;5;${color}m  `;
  const row = (start: number, length: number) =>
    `${Array.from({ length }, (_, i) => cell(start + i)).join('')}\x1b[0m\n`;
  const cube = Array.from({ length: 12 }, (_, i) => row(16 + 18 * i, 18));
  const styles = '\x1b[1mbold\x1b[0m \x1b[3mitalic\x1b[0m \x1b[4munderlined\x1b[0m ✓ ü 漢字 🙂\n';
  return `${row(0, 16)}${cube.join('')}${row(232, 24)}${styles}`;
}

function numbers(_: Shell, [last = '', ...more]: readonly string[]): string {
  if (!/^\d{1,6}$/.test(last) || Number(last) > NUMBERS_LIMIT || more.length > 0)
    throw new UsageError();
  return Array.from({ length: Number(last) }, (_, i) => `${i + 1}\n`).join('');
}

function leave(shell: Shell): string {
  shell.running = false;
  return '';
}

function writeText({ files, folder }: Shell, path: string, text: string, append: boolean): void {
  const full = resolvePath(folder, path);
  const file = files.create(full);
  if (!append) files.truncate(full, 0);
  files.write(full, file.bytes.length, Buffer.from(text));
}

function sorted(entries: ReadonlyMap<string, TreeNode>): readonly (readonly [string, TreeNode])[] {
  return [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
}

function shown(name: string, { kind }: TreeNode): string {
  return kind === 'folder' ? `${name}/` : name;
}

function longLine(node: TreeNode): string {
  const size = node.kind === 'file' ? node.bytes.length : node.entries.size;
  const time = new Date(node.changedAt).toISOString().slice(0, 16).replace('T', ' ');
  return `${String(size).padStart(9)} ${time}`;
}
