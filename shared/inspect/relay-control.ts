/** The JSON messages between tab and relay. They come from a relay that may be hostile, so what does not decode is shown as text. */
import { plainText } from '../errors.ts';
import {
  type ControlFromRelay,
  type ControlFromTab,
  decodeControlFromRelay,
  decodeControlFromTab,
} from '../relay/control.ts';
import type { Bytes } from '../wire/bytes.ts';
import { DecodeError } from '../wire/errors.ts';
import type { Dissection } from './dissection.ts';
import { hex } from './field-reader.ts';

/** Characters of one value that are shown. */
const VALUE_LIMIT = 300;

export function dissectControl(into: Dissection, bytes: Bytes, text: string): void {
  const message = decode(into.direction, text);
  const buffer = into.addBuffer('Between tab and relay', bytes);
  into.layer('Relay control message', { buffer, start: 0, end: bytes.length }, (reader) => {
    if (message === undefined) {
      reader.rest('Text', () => plainText(text, VALUE_LIMIT));
      return 'not understood';
    }
    for (const [key, value] of Object.entries(message)) {
      const shown = typeof value === 'string' ? value : JSON.stringify(value);
      reader.add(key, plainText(shown, VALUE_LIMIT), 0, 0);
    }
    reader.handOver();
    return message.type;
  });
  into.tell('Relay', message === undefined ? 'A message that is not understood' : words(message));
}

function decode(
  direction: 'out' | 'in',
  text: string,
): ControlFromTab | ControlFromRelay | undefined {
  try {
    return direction === 'out' ? decodeControlFromTab(text) : decodeControlFromRelay(text);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

function words(message: ControlFromTab | ControlFromRelay): string {
  switch (message.type) {
    case 'open':
      return `Asks the relay for the gateway “${message.gateway}”`;
    case 'move':
      return `Asks the relay for the gateway’s address ${message.address}`;
    case 'opened':
      return `The relay is ready to send to ${message.gateway.address}`;
    case 'claim':
      return `Wants ESP with SPI ${hex(8)(message.spi)}`;
    case 'release':
      return `Needs SPI ${hex(8)(message.spi)} no more`;
    case 'claimed':
      return `ESP with SPI ${hex(8)(message.spi)} will be passed on`;
    case 'claim-refused':
      return `SPI ${hex(8)(message.spi)} is not to be had (${message.code})`;
    case 'refused':
      return plainText(`The relay refuses: ${message.message}`, VALUE_LIMIT);
    case 'unreachable':
      return `Nothing listens there (${message.channel}, ${message.reason})`;
  }
}
