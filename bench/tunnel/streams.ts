/** HTTP/1.1 in its plainest form over a TCP stream, whoever carries that: what is left to measure is the stream. */
import type { Bytes } from '../../shared/wire/bytes.ts';

/** One TCP connection. */
export interface ByteStream {
  /** Resolves when there is room for more. */
  write(bytes: Bytes): Promise<void>;
  /** What has arrived, as soon as something has; `undefined` at the end. */
  read(): Promise<Uint8Array | undefined>;
  close(): void;
}

/** Bytes of one write. */
const PIECE = 64 * 1024;

const HEADERS_END = '\r\n\r\n';

/** Reads the first `bytes` of a file and answers their number. Throws when it gets fewer, or another status than 206. */
export async function getOver(stream: ByteStream, url: URL, bytes: number): Promise<number> {
  // The server is not asked to close: wisp-js loses what it has not sent when that happens.
  await stream.write(request('GET', url, [`Range: bytes=0-${bytes - 1}`]));
  const { status, rest } = await answerOf(stream);
  if (status !== 206) throw new Error(`status ${status}`);
  let received = rest;
  for (let part = await stream.read(); part !== undefined; part = await stream.read()) {
    received += part.length;
    if (received >= bytes) break;
  }
  stream.close();
  if (received !== bytes) throw new Error(`${received} bytes of ${bytes}`);
  return received;
}

/** Sends a file of `bytes` zeros and answers their number. Throws unless it was stored. */
export async function putOver(stream: ByteStream, url: URL, bytes: number): Promise<number> {
  await stream.write(request('PUT', url, [`Content-Length: ${bytes}`]));
  const piece = new Uint8Array(PIECE);
  for (let left = bytes; left > 0; left -= PIECE) await stream.write(piece.slice(0, left));
  const { status } = await answerOf(stream);
  stream.close();
  if (status !== 201 && status !== 204) throw new Error(`status ${status}`);
  return bytes;
}

function request(method: string, url: URL, headers: readonly string[]): Bytes {
  const lines = [`${method} ${url.pathname} HTTP/1.1`, `Host: ${url.host}`, ...headers, '', ''];
  return new TextEncoder().encode(lines.join('\r\n'));
}

/** The answer's status, and how many bytes of its body came with the headers. */
async function answerOf(stream: ByteStream): Promise<{ status: number; rest: number }> {
  let text = '';
  const decoder = new TextDecoder('latin1');
  while (!text.includes(HEADERS_END)) {
    const part = await stream.read();
    if (part === undefined) throw new Error('the connection ended before the answer');
    text += decoder.decode(part, { stream: true });
  }
  const status = Number(text.split(' ')[1]);
  return { status, rest: text.length - text.indexOf(HEADERS_END) - HEADERS_END.length };
}
