/** What Wireshark reads in a capture that the page handed over. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mustRun } from '../../../scripts/support/command.ts';
import { preparedTools } from '../../../scripts/support/tools.ts';

/** With these Wireshark opens what it has keys for, and checks that it is authentic. */
const DECRYPT = ['esp.enable_encryption_decode:TRUE', 'esp.enable_authentication_check:TRUE'];

export class Wireshark {
  readonly #folder: string;
  readonly #file: string;
  #options: readonly string[] = [];

  /** `folder` is an empty one for its settings. */
  constructor(folder: string, file: string) {
    this.#folder = folder;
    this.#file = file;
  }

  /** Hands over the page's key tables as a person would: each block in a file of its name. */
  async useKeys(text: string): Promise<void> {
    const profile = join(this.#folder, 'wireshark');
    await mkdir(profile);
    for (const [, name, lines] of text.matchAll(/^# (\w+)\n((?:[^#\n].*\n)+)/gm)) {
      await writeFile(join(profile, name!), lines!);
    }
    this.#options = DECRYPT.flatMap((option) => ['-o', option]);
  }

  /** The fields of the packets that a display filter matches, one line a packet, with tabs between. */
  async fields(filter: string, ...names: readonly string[]): Promise<readonly string[]> {
    const fields = names.flatMap((name) => ['-e', name]);
    const args = [
      '-n',
      '-r',
      this.#file,
      ...this.#options,
      '-Y',
      filter,
      '-T',
      'fields',
      ...fields,
    ];
    const env = { ...process.env, HOME: this.#folder, XDG_CONFIG_HOME: this.#folder };
    const lines = await mustRun(preparedTools().tshark, args, { env });
    return lines.split('\n').slice(0, -1);
  }
}
