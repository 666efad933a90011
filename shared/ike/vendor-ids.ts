/** What phase 1 announces and reads in vendor ids: NAT traversal, dead peer detection, fragments. */
import type { Payload, ReceivedPayload } from '../isakmp/payload.ts';
import { type Bytes, fromHex, toHex } from '../wire/bytes.ts';
import type { NatTraversal } from './config.ts';
import { DIALECTS, type NatDialect } from './nat-traversal.ts';

/** @rfc 3706 §5.1 */
const DPD_VENDOR_ID: Bytes = fromHex('afcad71368a1f1c96b8696fc77570100');

/** The MD5 digest of "FRAGMENTATION", as Windows has it … */
const FRAGMENTATION_VENDOR_ID: Bytes = fromHex('4048b7d56ebce88525e7de7f00d6c2d3');

/** … and as Cisco has it, with flags behind: the highest stands for main mode and aggressive mode. */
const FLAGGED_FRAGMENTATION_VENDOR_ID: Bytes = fromHex('4048b7d56ebce88525e7de7f00d6c2d380000000');

/** draft-ietf-ipsec-isakmp-xauth-06 §5 */
const XAUTH_VENDOR_ID: Bytes = fromHex('09002689dfd6b712');

/** Everything that we announce; NAT traversal in every dialect unless it is off. */
export function vendorIdPayloads(natTraversal: NatTraversal, xauth = false): readonly Payload[] {
  const dialects = natTraversal === 'off' ? [] : DIALECTS;
  const ids = [
    ...dialects.flatMap(({ vendorIds }) => vendorIds),
    DPD_VENDOR_ID,
    FRAGMENTATION_VENDOR_ID,
    FLAGGED_FRAGMENTATION_VENDOR_ID,
    ...(xauth ? [XAUTH_VENDOR_ID] : []),
  ];
  return ids.map((data) => ({ kind: 'vendor-id', data }));
}

/** What a peer's vendor ids announce. */
export interface Announced {
  /** The best in common, if any. */
  readonly dialect: NatDialect | undefined;
  readonly dpd: boolean;
  readonly fragments: boolean;
}

export function readVendorIds(
  payloads: readonly ReceivedPayload[],
  natTraversal: NatTraversal,
): Announced {
  const ids = new Set<string>();
  for (const { payload } of payloads) {
    if (payload.kind === 'vendor-id') ids.add(toHex(payload.data));
  }
  const has = (id: Bytes): boolean => ids.has(toHex(id));
  return {
    dialect:
      natTraversal === 'off' ? undefined : DIALECTS.find(({ vendorIds }) => vendorIds.some(has)),
    dpd: has(DPD_VENDOR_ID),
    fragments: [...ids].some(announcesFragments),
  };
}

function announcesFragments(id: string): boolean {
  const digest = toHex(FRAGMENTATION_VENDOR_ID);
  if (!id.startsWith(digest)) return false;
  const flags = id.slice(digest.length);
  return flags === '' || /^[89a-f]\w{7}$/.test(flags);
}
