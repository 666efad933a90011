/** What Wireshark reads in a capture that the page handed over. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mustRun } from '../../../scripts/support/command.ts';
import { preparedTools } from '../../../scripts/support/tools.ts';

/** With these Wireshark opens what it has keys for, and checks that it is authentic. */
const DECRYPT = ['esp.enable_encryption_decode:TRUE', 'esp.enable_authentication_check:TRUE'];

const FIELDS = {
  on: 'frame.interface_name',
  /** Every layer from the outside in, with colons between; `_ws.malformed` where one did not fit. */
  protocols: 'frame.protocols',
  severities: '_ws.expert.severity',
  exchange: 'isakmp.exchangetype',
  payloads: 'isakmp.typepayload',
  badIcv: 'esp.icv_bad',
  ns: 'l2tp.Ns',
  nr: 'l2tp.Nr',
  message: 'l2tp.avp.message_type',
  ppp: 'ppp.protocol',
  chap: 'chap.code',
  sourcePort: 'tcp.srcport',
  sequence: 'tcp.seq_raw',
  acknowledgment: 'tcp.ack_raw',
  flags: 'tcp.flags',
  data: 'tcp.payload',
  request: 'http.request.method',
  response: 'http.response.code',
} as const;

/** A packet's fields as Wireshark prints them: empty when it has none, with commas when it has several. */
export type Dissected = Readonly<Record<keyof typeof FIELDS, string>>;

/** Wireshark's severity “error”: a wrong length, a bad checksum. */
const ERROR = '8388608';

export function isFaulty({ protocols, severities }: Dissected): boolean {
  return protocols.includes('_ws.malformed') || severities.split(',').includes(ERROR);
}

/** Every packet of a file. `folder` is an empty one for settings; `keys` the page's key tables, to decrypt with. */
export async function dissect(
  folder: string,
  file: string,
  keys?: string,
): Promise<readonly Dissected[]> {
  if (keys !== undefined) await placeKeys(join(folder, 'wireshark'), keys);
  const options = keys === undefined ? [] : DECRYPT.flatMap((option) => ['-o', option]);
  const fields = Object.values(FIELDS).flatMap((name) => ['-e', name]);
  const args = ['-n', '-r', file, ...options, '-T', 'fields', ...fields];
  const env = { ...process.env, HOME: folder, XDG_CONFIG_HOME: folder };
  const lines = (await mustRun(preparedTools().tshark, args, { env })).split('\n').slice(0, -1);
  return lines.map((line) => {
    const values = line.split('\t');
    const entries = Object.keys(FIELDS).map((name, index) => [name, values[index] ?? '']);
    return Object.fromEntries(entries) as Dissected;
  });
}

/** As a person would: each block of lines into a file of its name. */
async function placeKeys(profile: string, text: string): Promise<void> {
  await mkdir(profile);
  for (const [, name, lines] of text.matchAll(/^# (\w+)\n((?:[^#\n].*\n)+)/gm)) {
    await writeFile(join(profile, name!), lines!);
  }
}
