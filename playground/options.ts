/** The playground's command line. */
import { isIPv4 } from 'node:net';
import { parseArgs } from 'node:util';

export const USAGE = `Usage: npm run playground -- [options]

An L2TP/IPsec gateway with a demo intranet behind it. It is a playground: its pre-shared key is public.

  --host ADDRESS     IPv4 address to listen on (127.0.0.1)
  --ike-port PORT    UDP port of IKE (10500)
  --natt-port PORT   UDP port of IKE and ESP behind a NAT (14500)
  --help             this text`;

export interface Options {
  readonly host: string;
  readonly ports: { readonly ike: number; readonly natt: number };
  readonly help: boolean;
}

/** The command line is not usable; the message says why. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Reads the arguments after the script's name. Throws `UsageError`. */
export function parseOptions(argv: readonly string[]): Options {
  const values = parse(argv);
  const host = values.host ?? '127.0.0.1';
  // The gateway has to know the address that clients dial: it is its identity.
  if (!isIPv4(host) || host === '0.0.0.0') {
    throw new UsageError('--host: must be an IPv4 address of this machine.');
  }
  return {
    host,
    ports: {
      ike: portNumber('--ike-port', values['ike-port'] ?? '10500'),
      natt: portNumber('--natt-port', values['natt-port'] ?? '14500'),
    },
    help: values.help ?? false,
  };
}

interface Values {
  host?: string;
  'ike-port'?: string;
  'natt-port'?: string;
  help?: boolean;
}

function parse(argv: readonly string[]): Values {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        host: { type: 'string' },
        'ike-port': { type: 'string' },
        'natt-port': { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    return values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function portNumber(name: string, text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) {
    throw new UsageError(`${name}: must be a port number from 0 to 65535.`);
  }
  return port;
}
