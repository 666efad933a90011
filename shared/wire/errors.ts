/** The two errors a peer's bytes can cause inside a machine; neither leaves its `handle`. */

/** The bytes are not what the format says: dropped, counted, traced. `reason` is a short stable text. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
  readonly reason: string;

  constructor(reason: string) {
    super(reason);
    this.reason = reason;
  }
}

/** The bytes are well formed and break the protocol: becomes a notification with `wireCode` on the wire. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  readonly wireCode: number;

  constructor(wireCode: number, reason: string) {
    super(reason);
    this.wireCode = wireCode;
  }
}
