/** The numbers of L2TP, named and ordered as in RFC 2661, and what its result and error codes mean in words. */

/** @rfc 2661 §3.2 */
export const MessageType = {
  SCCRQ: 1,
  SCCRP: 2,
  SCCCN: 3,
  StopCCN: 4,
  HELLO: 6,
  OCRQ: 7,
  OCRP: 8,
  OCCN: 9,
  ICRQ: 10,
  ICRP: 11,
  ICCN: 12,
  CDN: 14,
  WEN: 15,
  SLI: 16,
} as const;
export type MessageName = keyof typeof MessageType;

const MESSAGE_NAMES: ReadonlyMap<number, MessageName> = new Map(
  Object.entries(MessageType).map(([name, code]) => [code, name as MessageName]),
);

/** The RFC's abbreviation for a message type; `undefined` for one it does not define. */
export function messageName(type: number): MessageName | undefined {
  return MESSAGE_NAMES.get(type);
}

/** Bits of the Framing Capabilities and Framing Type AVPs. @rfc 2661 §4.4.3 */
export const Framing = { sync: 1, async: 2 } as const;

/** The one protocol version there is, as the Protocol Version AVP carries it: version 1, revision 0. @rfc 2661 §4.4.3 */
export const PROTOCOL_VERSION = 1;

/** Result codes of a StopCCN. @rfc 2661 §4.4.2 */
export const StopResult = {
  generalRequest: 1,
  generalError: 2,
  notAuthorized: 4,
  versionNotSupported: 5,
  finiteStateMachineError: 7,
} as const;

/** Result codes of a CDN. @rfc 2661 §4.4.2 */
export const CallResult = {
  reasonInErrorCode: 2,
  administrative: 3,
  noFacilitiesTemporary: 4,
  noFacilitiesPermanent: 5,
} as const;

/** General error codes. @rfc 2661 §4.4.2 */
export const GeneralError = {
  valueOutOfRange: 3,
  tryAnother: 7,
  unknownMandatoryAvp: 8,
} as const;

/** What the result codes of a StopCCN mean, by code. @rfc 2661 §4.4.2 */
export const STOP_RESULT_TEXT: readonly string[] = [
  'Reserved',
  'General request to clear control connection',
  'General error',
  'Control channel already exists',
  'Requester is not authorized to establish a control channel',
  'The protocol version of the requester is not supported',
  'Requester is being shut down',
  'Finite State Machine error',
];

/** What the result codes of a CDN mean, by code. @rfc 2661 §4.4.2 */
export const CALL_RESULT_TEXT: readonly string[] = [
  'Reserved',
  'Call disconnected due to loss of carrier',
  'Call disconnected for the reason indicated in error code',
  'Call disconnected for administrative reasons',
  'Call failed due to lack of appropriate facilities being available (temporary condition)',
  'Call failed due to lack of appropriate facilities being available (permanent condition)',
  'Invalid destination',
  'Call failed due to no carrier detected',
  'Call failed due to detection of a busy signal',
  'Call failed due to lack of a dial tone',
  'Call was not established within time allotted by LAC',
  'Call was connected but no appropriate framing was detected',
];

/** What the general error codes mean, by code. @rfc 2661 §4.4.2 */
export const GENERAL_ERROR_TEXT: readonly string[] = [
  'No general error',
  'No control connection exists yet',
  'Length is wrong',
  'A field value was out of range',
  'Insufficient resources to handle this operation now',
  'The Session ID is invalid in this context',
  'A generic vendor-specific error occurred',
  'Try another',
  'Shut down due to receipt of an unknown mandatory AVP',
];
