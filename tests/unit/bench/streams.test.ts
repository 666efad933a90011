import { expect, it } from 'vitest';
import { type ByteStream, getOver, putOver } from '../../../bench/tunnel/streams.ts';

const url = new URL('http://10.0.0.1/file');

/** A server that answers with these parts, and what it was sent. */
function server(...parts: readonly string[]): { stream: ByteStream; sent: () => string } {
  const waiting = parts.map((part) => new TextEncoder().encode(part));
  let sent = '';
  return {
    stream: {
      write: async (bytes) => {
        sent += new TextDecoder('latin1').decode(bytes);
      },
      read: async () => waiting.shift(),
      close: () => {},
    },
    sent: () => sent,
  };
}

it('a download is counted from the first byte behind the headers', async () => {
  const { stream, sent } = server('HTTP/1.1 206 Partial', ' Content\r\n\r', '\n12', '345', '6789');
  expect(await getOver(stream, url, 9)).toBe(9);
  expect(sent()).toBe('GET /file HTTP/1.1\r\nHost: 10.0.0.1\r\nRange: bytes=0-8\r\n\r\n');
});

it('a download that ends early is an error, as is another status', async () => {
  const short = server('HTTP/1.1 206 Partial Content\r\n\r\n1234');
  await expect(getOver(short.stream, url, 9)).rejects.toThrow('4 bytes of 9');
  const missing = server('HTTP/1.1 404 Not Found\r\n\r\n');
  await expect(getOver(missing.stream, url, 9)).rejects.toThrow('status 404');
});

it('an upload sends every byte, and wants to hear that it was stored', async () => {
  const { stream, sent } = server('HTTP/1.1 201 Created\r\n\r\n');
  expect(await putOver(stream, url, 100_000)).toBe(100_000);
  expect(sent().length - sent().indexOf('\r\n\r\n') - 4).toBe(100_000);
  const refused = server('HTTP/1.1 413 Payload Too Large\r\n\r\n');
  await expect(putOver(refused.stream, url, 10)).rejects.toThrow('status 413');
  await expect(putOver(server().stream, url, 10)).rejects.toThrow('before the answer');
});
