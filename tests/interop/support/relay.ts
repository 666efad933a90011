/** The relay under test, as a process of its own. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RelayConfig } from '../../../relay/config.ts';
import { Daemon } from './daemon.ts';
import type { Namespace } from './namespace.ts';
import { nodeArguments, ROOT } from './node-script.ts';

export interface RelayOptions {
  readonly namespace: Namespace;
  readonly config: RelayConfig;
  /** Serves the portal as it was built. */
  readonly portal?: boolean;
  /** Where its configuration may lie. */
  readonly folder: string;
}

/** Starts the relay; resolves when it accepts connections. */
export async function startRelay(options: RelayOptions): Promise<Daemon> {
  const { namespace, config, portal = false, folder } = options;
  const file = join(folder, 'culvert.config.json');
  writeFileSync(file, JSON.stringify(config));
  const args = ['--config', file, ...(portal ? [] : ['--no-portal'])];
  const command = nodeArguments('relay/main.ts', args);
  const daemon = new Daemon('relay', namespace.spawn(process.execPath, command, { cwd: ROOT }));
  try {
    await daemon.until('listening', () => daemon.holdsPort('tcp', config.listen.port));
  } catch (error) {
    await daemon.stop();
    throw error;
  }
  return daemon;
}
