/** What `traceroute` and `lookup` found, a line each, as the tools of these names print it. */
import { type CertificateSummary, plainText } from '../shared/errors.ts';
import { formatAddress } from '../shared/ip/address.ts';
import type { DnsRecord } from '../shared/ip/dns-message.ts';
import type { Hop } from '../web/worker/traceroute.ts';

/** ` 2  10.1.0.1  12.1 ms  11.9 ms  *`: an address where it differs from the one before, a star for silence. */
export function describeHop({ ttl, probes, failure }: Hop): string {
  let last = '';
  const parts = probes.map((probe) => {
    if (probe === undefined) return '*';
    const time = `${probe.roundTripMillis.toFixed(1)} ms`;
    const text = probe.address === last ? time : `${probe.address}  ${time}`;
    last = probe.address;
    return text;
  });
  const end = failure === undefined ? '' : `  ${failure.detail ?? failure.code}`;
  return `${String(ttl).padStart(2)}  ${parts.join('  ')}${end}`;
}

export function describeRecord(record: DnsRecord): string {
  switch (record.type) {
    case 'A':
    case 'AAAA':
      return formatAddress(record.address);
    case 'CNAME':
    case 'PTR':
      return record.name;
    case 'SRV':
      return `${record.priority} ${record.weight} ${record.port} ${record.target}`;
    case 'TXT':
      return record.strings
        .map((bytes) => JSON.stringify(plainText(Buffer.from(bytes).toString('utf8'))))
        .join(' ');
  }
}

/** What the gateway showed, a line for each thing to compare. */
export function describeCertificate(certificate: CertificateSummary): string {
  const { subject, issuer, names, notBefore, notAfter, key, fingerprint } = certificate;
  const day = (time: number): string => new Date(time).toISOString().slice(0, 10);
  return [
    `certificate of ${plainText(subject)}, issued by ${plainText(issuer)}`,
    `names: ${names.map((name) => plainText(name)).join(', ') || 'none'}`,
    `valid from ${day(notBefore)} to ${day(notAfter)}; ${key}`,
    `fingerprint ${fingerprint}`,
  ].join('\n');
}
