/**
 * A line being typed at a terminal: printable characters, Backspace, the arrow keys, history, and the control keys that
 * everybody's fingers know.
 */

/** Characters of a line, and lines that are remembered. */
const LINE_LIMIT = 1000;
const HISTORY_LIMIT = 50;

/** What comes of it when something is typed, in order. */
export type LineEvent =
  /** The terminal is to show this. */
  | { readonly kind: 'show'; readonly text: string }
  | { readonly kind: 'line'; readonly text: string }
  /** Ctrl-C. */
  | { readonly kind: 'interrupt' }
  /** Ctrl-D on an empty line. */
  | { readonly kind: 'end' }
  /** Ctrl-L. */
  | { readonly kind: 'clear' };

const ESCAPE = '\x1b';
const BELL = '\x07';

/** An escape sequence that is complete, or not yet, at the beginning of a text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what terminals send
const SEQUENCE = /^\x1b(?:\[[0-9;]*[A-Za-z~]|O[A-Za-z]|[^[O])/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what terminals send
const UNFINISHED = /^\x1b(?:\[[0-9;]{0,16}|O)?$/;

export class LineEditor {
  #characters: string[] = [];
  /** Where the next character goes. */
  #at = 0;
  readonly #history: string[] = [];
  /** Which line of the history is shown; its length: none. */
  #shown = 0;
  /** The beginning of an escape sequence whose rest has not arrived. */
  #rest = '';

  /** What is typed so far. */
  get text(): string {
    return this.#characters.join('');
  }

  type(input: string): readonly LineEvent[] {
    const events: LineEvent[] = [];
    let rest = this.#rest + input;
    this.#rest = '';
    while (rest !== '') {
      if (UNFINISHED.test(rest)) {
        this.#rest = rest;
        break;
      }
      const [sequence] = SEQUENCE.exec(rest) ?? [];
      const key = sequence ?? [...rest.slice(0, 2)][0]!;
      rest = rest.slice(key.length);
      // A line's end may be two characters, which is one key.
      if (key === '\r' && rest.startsWith('\n')) rest = rest.slice(1);
      this.#press(key, events);
    }
    return events;
  }

  /** What shows the line behind the prompt again. */
  redraw(): string {
    return this.text + left(this.#characters.length - this.#at);
  }

  #press(key: string, events: LineEvent[]): void {
    const show = (text: string) => {
      events.push({ kind: 'show', text });
    };
    const happened = (event: LineEvent) => {
      events.push(event);
    };
    switch (key) {
      case '\r':
      case '\n':
        show('\r\n');
        happened({ kind: 'line', text: this.#take() });
        return;
      case '\x03':
        show('^C\r\n');
        this.#take();
        happened({ kind: 'interrupt' });
        return;
      case '\x04':
        if (this.#characters.length === 0) happened({ kind: 'end' });
        return;
      case '\x0c':
        happened({ kind: 'clear' });
        return;
      case '\x7f':
      case '\b':
        if (this.#at > 0) show(this.#replace(this.#at - 1, this.#at, []));
        return;
      case '\x15':
        show(this.#replace(0, this.#at, []));
        return;
      case '\x01':
      case `${ESCAPE}[H`:
        show(this.#move(0));
        return;
      case '\x05':
      case `${ESCAPE}[F`:
        show(this.#move(this.#characters.length));
        return;
      case `${ESCAPE}[D`:
        show(this.#move(this.#at - 1));
        return;
      case `${ESCAPE}[C`:
        show(this.#move(this.#at + 1));
        return;
      case `${ESCAPE}[A`:
        show(this.#recall(this.#shown - 1));
        return;
      case `${ESCAPE}[B`:
        show(this.#recall(this.#shown + 1));
        return;
    }
    if (key.startsWith(ESCAPE) || key < ' ') return;
    show(this.#characters.length < LINE_LIMIT ? this.#replace(this.#at, this.#at, [key]) : BELL);
  }

  /** The line is over. */
  #take(): string {
    const { text } = this;
    this.#characters = [];
    this.#at = 0;
    if (text.trim() !== '' && text !== this.#history.at(-1)) this.#history.push(text);
    if (this.#history.length > HISTORY_LIMIT) this.#history.shift();
    this.#shown = this.#history.length;
    return text;
  }

  #recall(index: number): string {
    if (index < 0 || index > this.#history.length) return BELL;
    this.#shown = index;
    return this.#replace(0, this.#characters.length, [...(this.#history[index] ?? '')]);
  }

  #move(to: number): string {
    const target = Math.max(0, Math.min(this.#characters.length, to));
    const shown =
      target < this.#at
        ? left(this.#at - target)
        : this.#characters.slice(this.#at, target).join('');
    this.#at = target;
    return shown;
  }

  /** Puts `by` in the place of what is between, the cursor behind it; what follows is drawn again. */
  #replace(start: number, end: number, by: readonly string[]): string {
    const back = this.#move(start);
    this.#characters.splice(start, end - start, ...by);
    this.#at = start + by.length;
    const tail = this.#characters.slice(this.#at);
    const wipe = by.length < end - start ? `${ESCAPE}[K` : '';
    return `${back}${by.join('')}${wipe}${tail.join('')}${left(tail.length)}`;
  }
}

function left(count: number): string {
  return count === 0 ? '' : `${ESCAPE}[${count}D`;
}
