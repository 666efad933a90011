/** The gateways' certificates that the user accepted, by their fingerprints. */
import {
  type DecisionStorage,
  decodeGatewayKey,
  type GatewayKey,
  StoredList,
} from './stored-list.ts';

export interface AcceptedCertificate extends GatewayKey {
  /** SHA-256 in lower-case hexadecimal. */
  readonly fingerprint: string;
}

export class AcceptedCertificates extends StoredList<AcceptedCertificate> {
  constructor(storage: DecisionStorage | undefined) {
    super(storage, 'culvert.certificates', decodeAccepted);
  }
}

function decodeAccepted(value: unknown): AcceptedCertificate | undefined {
  const key = decodeGatewayKey(value);
  const { fingerprint } = (value ?? {}) as Partial<AcceptedCertificate>;
  const known = typeof fingerprint === 'string' && /^[0-9a-f]{64}$/.test(fingerprint);
  return key !== undefined && known ? { ...key, fingerprint } : undefined;
}
