/** The relay's command line. */
import { parseArgs } from 'node:util';

export const USAGE = `Usage: npm run relay -- [options]

  --config FILE   configuration (else CULVERT_CONFIG, else ./culvert.config.json where it exists)
  --host HOST     listen on this address instead of the configured one
  --port PORT     listen on this port instead of the configured one
  --portal        build the portal again when its sources have changed
  --no-portal     serve no portal
  --playground    start the playground, a gateway with a demo intranet behind it
  --no-playground start none (else it starts with the portal where no gateway is configured)
  --help          this text`;

export interface Options {
  /** From the option or the environment; `undefined`: the default file, where it exists. */
  readonly configFile: string | undefined;
  readonly host: string | undefined;
  readonly port: number | undefined;
  /** Whether to serve the portal: as it was built, rebuilt where stale, or not at all. */
  readonly portal: 'as-built' | 'fresh' | 'none';
  /** Whether to start the playground; `undefined`: where there is a portal and no gateway. */
  readonly playground: boolean | undefined;
  readonly help: boolean;
}

/** The command line is not usable; the message says why. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Reads the arguments after the script's name. Throws `UsageError`. */
export function parseOptions(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Options {
  const values = parse(argv);
  if (values.portal && values['no-portal']) {
    throw new UsageError('--portal and --no-portal exclude each other.');
  }
  if (values.playground && values['no-playground']) {
    throw new UsageError('--playground and --no-playground exclude each other.');
  }
  return {
    configFile: values.config ?? (environment.CULVERT_CONFIG || undefined),
    host: values.host,
    port: values.port === undefined ? undefined : portNumber(values.port),
    portal: values['no-portal'] ? 'none' : values.portal ? 'fresh' : 'as-built',
    playground: values['no-playground'] ? false : values.playground,
    help: values.help ?? false,
  };
}

interface Values {
  config?: string;
  host?: string;
  port?: string;
  portal?: boolean;
  'no-portal'?: boolean;
  playground?: boolean;
  'no-playground'?: boolean;
  help?: boolean;
}

function parse(argv: readonly string[]): Values {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        config: { type: 'string' },
        host: { type: 'string' },
        port: { type: 'string' },
        portal: { type: 'boolean' },
        'no-portal': { type: 'boolean' },
        playground: { type: 'boolean' },
        'no-playground': { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    return values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function portNumber(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) {
    throw new UsageError('--port: must be a port number from 0 to 65535.');
  }
  return port;
}
