/** What comes over UDP 4500 or as protocol 50: ESP, IKE behind its marker, keepalives. RFC 4303 §2, RFC 3948 §2. */
import type { Bytes } from '../wire/bytes.ts';
import type { Dissection, Place } from './dissection.ts';
import { hex } from './field-reader.ts';
import { dissectIsakmp } from './isakmp.ts';

/** What can be read of an ESP packet without its keys. */
export function dissectEsp(into: Dissection, place: Place): void {
  let spi = 0;
  const fits = into.layer('ESP', place, (reader) => {
    spi = reader.u32('Security Parameters Index (SPI)', hex(8));
    const sequence = reader.u32('Sequence Number');
    reader.rest('IV, encrypted payload, padding and ICV', (bytes) => `${bytes.length} bytes`);
    return `SPI ${hex(8)(spi)}, sequence number ${sequence}`;
  });
  if (!fits) into.tell('ESP', 'Malformed packet');
  else into.tell('ESP', `Packet for SPI ${hex(8)(spi)}, not opened here`);
}

/** A datagram of UDP port 4500. */
export function dissectNatTraversal(
  into: Dissection,
  place: Place,
  plaintext: (ciphertext: Bytes) => Bytes | undefined,
): void {
  const [first = 0, second = 0, third = 0, fourth = 0] = into.bytes(place);
  if (place.end - place.start === 1) {
    into.layer('NAT-keepalive', place, (reader) => {
      reader.u8('Keepalive', hex(2));
      return 'keeps the NAT’s mapping';
    });
    return into.tell('ESP', 'Keeps the way through a NAT open');
  }
  const isIke = place.end - place.start > 4 && (first | second | third | fourth) === 0;
  if (!isIke) return dissectEsp(into, place);
  into.layer('UDP encapsulation of IKE', place, (reader) => {
    reader.u32('Non-ESP Marker');
    reader.handOver();
    return 'an IKE message follows';
  });
  dissectIsakmp(into, { ...place, start: place.start + 4 }, plaintext);
}
