/** The parts of wisp-js that are used here: the package has no types. */
declare module '@mercuryworkshop/wisp-js/server' {
  import type { IncomingMessage } from 'node:http';
  import type { Duplex } from 'node:stream';
  export const logging: { readonly ERROR: number; set_level(level: number): void };
  export const server: {
    readonly options: Record<string, unknown>;
    routeRequest(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  };
}

declare module '@mercuryworkshop/wisp-js/client' {
  interface ClientStream {
    onmessage: (bytes: Uint8Array) => void;
    onclose: () => void;
    readonly send_buffer: readonly Uint8Array[];
    send(bytes: Uint8Array): void;
    close(): void;
  }
  export const client: {
    readonly ClientConnection: new (
      url: string,
    ) => {
      onopen: () => void;
      onerror: () => void;
      create_stream(host: string, port: number): ClientStream;
    };
  };
}
