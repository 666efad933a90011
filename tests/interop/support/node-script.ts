/** Running one of the TypeScript programs beside this file inside a namespace. */
import { fileURLToPath } from 'node:url';
import { type CommandResult, runCommand } from '../../../scripts/support/command.ts';
import type { Namespace } from './namespace.ts';

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** The arguments with which `node` runs a TypeScript file of this project. */
export function nodeArguments(file: string, args: readonly string[]): string[] {
  return ['--import', 'tsx', file, ...args];
}

/** Runs a program of this folder to its end. Never rejects. */
export function runScript(
  namespace: Namespace,
  name: string,
  args: readonly string[],
): Promise<CommandResult> {
  const file = fileURLToPath(new URL(name, import.meta.url));
  const command = namespace.command(process.execPath, nodeArguments(file, args));
  return runCommand(...command, { cwd: ROOT });
}
