/** A shell at work on an SSH channel: with a terminal, without one, or for a single command. What it says is bounded by what is taken. */
import { once } from 'node:events';
import { StringDecoder } from 'node:string_decoder';
import type { ServerChannel } from 'ssh2';
import type { Backlog } from './backlog.ts';
import { runLine, type Shell } from './commands.ts';
import { HOME } from './file-tree.ts';
import { LineEditor } from './line-editor.ts';

/** Characters of a line that does not come from a terminal. */
const LINE_LIMIT = 4096;

export class ShellSession {
  readonly #shell: Shell;
  readonly #channel: ServerChannel;
  readonly #backlog: Backlog;

  constructor(shell: Shell, channel: ServerChannel, backlog: Backlog) {
    this.#shell = shell;
    this.#channel = channel;
    this.#backlog = backlog;
    channel.on('error', () => channel.destroy());
  }

  /** Runs one command and ends the channel with its status. */
  async runCommand(line: string): Promise<void> {
    const { output, status } = runLine(this.#shell, line);
    await this.#say(output);
    this.#finish(status);
  }

  /** Reads line after line until the visitor leaves. The next one waits until the output of the last one is on its way. */
  async run(): Promise<void> {
    const lines = this.#shell.size === undefined ? this.#plain() : this.#interactive();
    this.#finish(await lines);
  }

  async #interactive(): Promise<number> {
    const shell = this.#shell;
    const editor = new LineEditor();
    let status = 0;
    await this.#say(
      `You are on ${shell.hostName}, behind your tunnel. Type help to see what there is.\n`,
    );
    await this.#say(this.#prompt());
    for await (const text of this.#input()) {
      for (const event of editor.type(text)) {
        switch (event.kind) {
          case 'show':
            await this.#say(event.text);
            break;
          case 'line': {
            const result = runLine(shell, event.text);
            status = result.status;
            if (!shell.running) return status;
            await this.#say(result.output + this.#prompt());
            break;
          }
          case 'interrupt':
            await this.#say(this.#prompt());
            break;
          case 'clear':
            await this.#say(`\x1b[H\x1b[2J${this.#prompt()}${editor.redraw()}`);
            break;
          case 'end':
            await this.#say('\n');
            return status;
        }
      }
    }
    return status;
  }

  async #plain(): Promise<number> {
    let status = 0;
    for await (const line of this.#lines()) {
      const result = runLine(this.#shell, line);
      status = result.status;
      await this.#say(result.output);
      if (!this.#shell.running) break;
    }
    return status;
  }

  /** What is longer than a line may be is cut. The last one need not be ended. */
  async *#lines(): AsyncGenerator<string> {
    let rest = '';
    for await (const text of this.#input()) {
      const lines = (rest + text).split('\n');
      rest = lines.pop()!.slice(0, LINE_LIMIT);
      yield* lines;
    }
    if (rest !== '') yield rest;
  }

  async *#input(): AsyncGenerator<string> {
    const decoder = new StringDecoder();
    for await (const piece of this.#channel.iterator({ destroyOnReturn: false })) {
      yield decoder.write(piece);
    }
  }

  #prompt(): string {
    const { folder } = this.#shell;
    const home = folder === HOME || folder.startsWith(`${HOME}/`);
    return `\x1b[1mguest@shell\x1b[0m:${home ? `~${folder.slice(HOME.length)}` : folder}$ `;
  }

  /** Waits until there is room for more. A terminal in raw mode wants its lines ended with two characters. */
  async #say(text: string): Promise<void> {
    const channel = this.#channel;
    if (text === '') return;
    const lines = this.#shell.size === undefined ? text : text.replaceAll(/\r?\n/g, '\r\n');
    if (!channel.write(lines) && !channel.destroyed) {
      await Promise.race([once(channel, 'drain'), once(channel, 'close')]);
    }
    await this.#backlog.room();
  }

  #finish(status: number): void {
    if (this.#channel.destroyed) return;
    this.#channel.exit(status);
    this.#channel.end();
  }
}
