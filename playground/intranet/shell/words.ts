/** A command line taken apart: words, quoted or not, and where the output goes. No variables, no patterns, no pipes. */

export interface CommandLine {
  readonly words: readonly string[];
  /** A file that gets the output instead of the terminal. */
  readonly target?: { readonly path: string; readonly append: boolean };
}

/** Throws `SyntaxError` with words for the screen. */
export function parseLine(line: string): CommandLine {
  const words: string[] = [];
  let target: CommandLine['target'];
  let redirection: '>' | '>>' | undefined;
  for (const { kind, text } of tokens(line)) {
    if (kind === 'operator') {
      if (redirection !== undefined) throw new SyntaxError('a file name is missing');
      if (text !== '>' && text !== '>>') throw new SyntaxError(`this shell has no ${text}`);
      redirection = text;
    } else if (redirection !== undefined) {
      target = { path: text, append: redirection === '>>' };
      redirection = undefined;
    } else {
      words.push(text);
    }
  }
  if (redirection !== undefined) throw new SyntaxError('a file name is missing');
  return target === undefined ? { words } : { words, target };
}

interface Token {
  readonly kind: 'operator' | 'word';
  readonly text: string;
}

function* tokens(line: string): Generator<Token> {
  const pattern = /\s*(?:(>>?|[|&;<])|((?:"[^"]*"|'[^']*'|\\.|[^\s"'\\>|&;<])+)|(\S))/gy;
  for (const [, operator, word, stray] of line.matchAll(pattern)) {
    if (stray !== undefined) throw new SyntaxError(`${stray} is not closed`);
    if (operator !== undefined) yield { kind: 'operator', text: operator };
    else if (word !== undefined) yield { kind: 'word', text: unquote(word) };
  }
}

function unquote(word: string): string {
  return word.replace(/"([^"]*)"|'([^']*)'|\\(.)/g, (_, double, single, escaped) => {
    return double ?? single ?? escaped ?? '';
  });
}
