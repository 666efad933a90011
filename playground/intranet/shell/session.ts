/** A shell at work on an SSH channel: with a terminal, without one, or for a single command. */
import { once } from 'node:events';
import { StringDecoder } from 'node:string_decoder';
import type { ServerChannel } from 'ssh2';
import { runLine, type Shell } from './commands.ts';
import { HOME } from './file-tree.ts';
import { LineEditor } from './line-editor.ts';

/** Characters of a line that does not come from a terminal. */
const LINE_LIMIT = 4096;

/** Runs one command and ends the channel with its status. */
export async function runCommand(
  shell: Shell,
  channel: ServerChannel,
  line: string,
): Promise<void> {
  const { output, status } = runLine(shell, line);
  await write(channel, output, shell);
  finish(channel, status);
}

/** Reads line after line until the visitor leaves. The next one waits until the output of the last one is on its way. */
export async function runShell(shell: Shell, channel: ServerChannel): Promise<void> {
  const status = await (shell.size === undefined ? plain : interactive)(shell, channel);
  finish(channel, status);
}

async function interactive(shell: Shell, channel: ServerChannel): Promise<number> {
  const editor = new LineEditor();
  const decoder = new StringDecoder();
  let status = 0;
  const say = (text: string) => write(channel, text, shell);
  await say(
    `You are on ${shell.hostName}, behind your tunnel. Type help to see what there is.\n${prompt(shell)}`,
  );
  for await (const piece of channel.iterator({ destroyOnReturn: false })) {
    for (const event of editor.type(decoder.write(piece))) {
      switch (event.kind) {
        case 'show':
          channel.write(event.text);
          break;
        case 'line': {
          const result = runLine(shell, event.text);
          status = result.status;
          if (!shell.running) return status;
          await say(result.output + prompt(shell));
          break;
        }
        case 'interrupt':
          await say(prompt(shell));
          break;
        case 'clear':
          await say(`\x1b[H\x1b[2J${prompt(shell)}${editor.redraw()}`);
          break;
        case 'end':
          await say('\n');
          return status;
      }
    }
  }
  return status;
}

async function plain(shell: Shell, channel: ServerChannel): Promise<number> {
  const decoder = new StringDecoder();
  let rest = '';
  let status = 0;
  for await (const piece of channel.iterator({ destroyOnReturn: false })) {
    const lines = (rest + decoder.write(piece)).split('\n');
    rest = lines.pop()!.slice(0, LINE_LIMIT);
    for (const line of lines) {
      const result = runLine(shell, line);
      status = result.status;
      await write(channel, result.output, shell);
      if (!shell.running) return status;
    }
  }
  return status;
}

function prompt({ folder }: Shell): string {
  const shown =
    folder === HOME || folder.startsWith(`${HOME}/`) ? `~${folder.slice(HOME.length)}` : folder;
  return `\x1b[1mguest@shell\x1b[0m:${shown}$ `;
}

/** Waits until there is room for more. A terminal in raw mode wants its lines ended with two characters. */
async function write(channel: ServerChannel, text: string, { size }: Shell): Promise<void> {
  if (text === '') return;
  const room = channel.write(size === undefined ? text : text.replaceAll('\n', '\r\n'));
  if (!room && !channel.destroyed)
    await Promise.race([once(channel, 'drain'), once(channel, 'close')]);
}

function finish(channel: ServerChannel, status: number): void {
  if (channel.destroyed) return;
  channel.exit(status);
  channel.end();
}
