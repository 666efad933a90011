import { describe, expect, it } from 'vitest';
import { runLine, type Shell } from '../../../playground/intranet/shell/commands.ts';
import {
  BYTES_LIMIT,
  ENTRY_LIMIT,
  FileTree,
  HOME,
} from '../../../playground/intranet/shell/file-tree.ts';
import { LineEditor } from '../../../playground/intranet/shell/line-editor.ts';
import { parseLine } from '../../../playground/intranet/shell/words.ts';

function shell(): Shell {
  const files = new FileTree({
    '/etc/': '',
    '/etc/motd': 'hello\n',
    '/home/': '',
    [`${HOME}/`]: '',
    [`${HOME}/a.txt`]: 'one\n',
    [`${HOME}/folder/`]: '',
    [`${HOME}/folder/b.txt`]: 'two\n',
  });
  return {
    files,
    visitor: '10.99.1.7',
    hostName: 'shell',
    folder: HOME,
    size: undefined,
    running: true,
  };
}

describe('the shell’s commands', () => {
  it.each([
    ['', '', 0],
    ['ls', 'a.txt\nfolder/\n', 0],
    ['ls folder', 'b.txt\n', 0],
    ['ls /', 'etc/\nhome/\n', 0],
    ['ls nowhere', 'ls: not there\n', 1],
    ['ls -x', 'usage: ls [-l] [folder]\n', 2],
    ['tree', '├── a.txt\n└── folder/\n    └── b.txt\n', 0],
    ['pwd', '/home/guest\n', 0],
    ['cat a.txt folder/b.txt', 'one\ntwo\n', 0],
    ['cat folder', 'cat: a folder\n', 1],
    ['cat', 'usage: cat file …\n', 2],
    ['echo a  "b  c" \'d\' e\\ f', 'a b  c d e f\n', 0],
    ['cd /etc/motd', 'cd: not a folder\n', 1],
    ['rm folder', 'rm: not empty\n', 1],
    ['rm /etc/motd', 'rm: not allowed\n', 1],
    ['rm /home/guest', 'rm: not allowed\n', 1],
    ['mkdir folder', 'mkdir: already there\n', 1],
    ['mkdir x/y', 'mkdir: not there\n', 1],
    ['mv folder folder/x', 'mv: not allowed\n', 1],
    ['echo x > /etc/motd', 'echo: not allowed\n', 1],
    ['seq 3', '1\n2\n3\n', 0],
    ['seq 100001', 'usage: seq last\n', 2],
    ['size', 'no terminal\n', 0],
    ['ls | cat', 'sh: this shell has no |\n', 1],
    ['echo "x', 'sh: " is not closed\n', 1],
    ['echo x >', 'sh: a file name is missing\n', 1],
    ['sudo ls', 'sudo: no such command; help lists what there is\n', 127],
  ])('%j', (line, output, status) => {
    expect(runLine(shell(), line)).toEqual({ output, status });
  });

  it('change what is there, step by step', () => {
    const one = shell();
    const out = (line: string) => runLine(one, line).output;
    expect(out('cd folder')).toBe('');
    expect(out('pwd')).toBe('/home/guest/folder\n');
    expect(out('echo first > log')).toBe('');
    out('echo second >> log');
    expect(out('cat log')).toBe('first\nsecond\n');
    out('echo third > log');
    expect(out('cat log')).toBe('third\n');
    out('mkdir ../new');
    out('mv log ../new');
    expect(out('ls ../new')).toBe('log\n');
    out('cd');
    out('rm new/log new');
    expect(out('ls')).toBe('a.txt\nfolder/\n');
    expect(out('help')).toContain('mkdir folder');
    out('exit');
    expect(one.running).toBe(false);
  });
});

it('cat shows a bounded amount', () => {
  const one = shell();
  const path = `${HOME}/big`;
  one.files.create(path);
  one.files.write(path, 0, Buffer.alloc(900_000, 'x'));
  expect(runLine(one, 'cat big big').output).toHaveLength(1_800_000);
  expect(runLine(one, 'cat big big big').output).toBe('cat: too much at once\n');
});

describe('a tree of files', () => {
  it('holds a bounded number of bytes and of entries, and what is removed makes room', () => {
    const { files } = shell();
    const path = `${HOME}/big`;
    files.create(path);
    files.write(path, BYTES_LIMIT - 20, Buffer.from('x'));
    expect(() => files.write(path, BYTES_LIMIT, Buffer.from('x'))).toThrow('no space left');
    expect(() => files.write(path, Number.MAX_SAFE_INTEGER, Buffer.from('x'))).toThrow(
      'no space left',
    );
    files.remove(path);
    files.create(path);
    files.write(path, 0, Buffer.alloc(BYTES_LIMIT - 20));
    files.truncate(path, 0);
    let made = 0;
    const fill = () => {
      for (; made < ENTRY_LIMIT; made++) files.makeFolder(`${HOME}/${made}`);
    };
    expect(fill).toThrow('no space left');
    expect(made).toBeGreaterThan(ENTRY_LIMIT - 20);
    files.remove(`${HOME}/0`);
    files.makeFolder(`${HOME}/again`);
  });

  it('has no path that is too long', () => {
    const { files } = shell();
    expect(() => files.makeFolder(`${HOME}/${'x'.repeat(300)}`)).toThrow('name too long');
  });
});

describe('a line being typed', () => {
  /** Types; answers the lines that came of it and what the terminal shows, as it would look. */
  function type(...inputs: string[]) {
    const editor = new LineEditor();
    const events = inputs.flatMap((input) => editor.type(input));
    const shown = events.flatMap((each) => (each.kind === 'show' ? [each.text] : [])).join('');
    const others = events.filter(({ kind }) => kind !== 'show');
    return { shown, others, text: editor.text };
  }

  it.each([
    ['plain', ['abc\r'], 'abc'],
    ['both characters of a line’s end', ['abc\r\n'], 'abc'],
    ['Backspace', ['abd\x7fc\r'], 'abc'],
    ['Backspace on nothing', ['\x7fabc\r'], 'abc'],
    ['the left arrow', ['ac\x1b[Db\r'], 'abc'],
    ['the arrow in two pieces', ['ac\x1b', '[Db\r'], 'abc'],
    ['beginning and end', ['bc\x01a\x05d\r'], 'abcd'],
    ['Ctrl-U', ['xyz\x15abc\r'], 'abc'],
    ['a key that means nothing', ['a\x1b[5~bc\r'], 'abc'],
    ['a character of two halves', ['a🙂\x7fbc\r'], 'abc'],
  ])('knows %s', (_, inputs, text) => {
    expect(type(...inputs).others).toEqual([{ kind: 'line', text }]);
  });

  it('remembers lines', () => {
    const { others } = type('one\r', 'two\r', '\x1b[A\x1b[A\r', '\x1b[A\x1b[A\x1b[B\r');
    const lines = others.map((each) => (each.kind === 'line' ? each.text : each.kind));
    expect(lines).toEqual(['one', 'two', 'one', 'one']);
  });

  it('tells of interruption, end and a screen to be cleared', () => {
    expect(type('abc\x03\x04').others).toEqual([{ kind: 'interrupt' }, { kind: 'end' }]);
    expect(type('abc\x04\x0c')).toMatchObject({ others: [{ kind: 'clear' }], text: 'abc' });
  });

  it('shows what is typed where it is typed', () => {
    expect(type('ac\x1b[Db').shown).toBe('ac\x1b[1Dbc\x1b[1D');
    expect(type('ab\x01\x05\x7f').shown).toBe('ab\x1b[2Dab\x1b[1D\x1b[K');
  });

  it('holds a bounded line', () => {
    const { text, shown } = type('x'.repeat(1005));
    expect(text).toHaveLength(1000);
    expect(shown.endsWith('\x07'.repeat(5))).toBe(true);
    expect(type(`\x1b[${'1'.repeat(1000)}`).text.length).toBeLessThanOrEqual(1000);
  });
});

describe('a command line', () => {
  it('says where its output goes', () => {
    expect(parseLine('a b > c')).toEqual({
      words: ['a', 'b'],
      target: { path: 'c', append: false },
    });
    expect(parseLine('>> "c d" a')).toEqual({
      words: ['a'],
      target: { path: 'c d', append: true },
    });
    expect(parseLine('a ">" \\>')).toEqual({ words: ['a', '>', '>'] });
    expect(() => parseLine('a > > b')).toThrow(SyntaxError);
  });
});
