/** What the relay needs of datagram sockets, whoever makes them: Node (`node-sockets.ts`) or the addon (`native-sockets.ts`). */

/** What becomes of one socket's datagrams. */
export interface SocketEvents {
  /** A datagram arrived: `bytes[start, end)`, there during the call alone. */
  received(bytes: Uint8Array, start: number, end: number): void;
  /** A datagram arrived from somebody else, and was dropped. */
  foreign(): void;
  /** Datagrams the system took. */
  sent(count: number): void;
  /** Datagrams dropped because the system does not send fast enough. */
  full(count: number): void;
  /** An ICMP error came back, or the system refused `count` datagrams; `code` is its name for the reason. */
  failed(code: string, count: number): void;
}

/** Datagrams toward one place. */
export interface DatagramSocket {
  /**
   * Sends `frame[start, end)`: at once, or with the others of the frame when the sockets are flushed. IKE is
   * dropped last.
   */
  send(frame: Uint8Array, start: number, end: number, isIke: boolean): void;
  close(): void;
}

/** Connected, from a port of its own. */
export interface UdpSocket extends DatagramSocket {
  readonly local: { readonly address: string; readonly port: number };
}

/** All sockets of a kind. */
export interface Sockets {
  /** A socket that exchanges datagrams with this address and port alone. Rejects with the system's error. */
  connect(address: string, port: number, events: SocketEvents): Promise<UdpSocket>;
  /** Sends what was not sent at once. To be called before a frame's bytes change or go. */
  flush(): void;
}
