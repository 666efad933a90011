/**
 * Every way in which a relay refuses, as data. A refusal before the WebSocket stands is an HTTP answer
 * (a page sees a failed connection, nothing more); later ones are a `refused` message and then a close.
 * Those whose close code is below 4000 have no message: the WebSocket layer itself closes (RFC 6455 §7.4.1).
 */

/** What the person at the tab is told; names out of `shared/errors.ts`. */
type Outcome =
  | 'RELAY_REFUSED'
  | 'RELAY_UNKNOWN_GATEWAY'
  | 'RELAY_FULL'
  | 'RELAY_CLOSED'
  | 'L2TP_TRY_ANOTHER'
  | 'IKE_UNREACHABLE';

interface Refusal {
  /** WebSocket close code. */
  readonly close: number;
  /** One sentence: what happened. */
  readonly text: string;
  readonly outcome: Outcome;
}

interface ClaimRefusal {
  readonly text: string;
  /** Whether another SPI may be had. */
  readonly again: boolean;
}

interface UpgradeRefusal {
  /** HTTP status of the answer to the upgrade. */
  readonly status: number;
  readonly text: string;
}

export type RefusalCode =
  | 'RELAY_BAD_FRAME'
  | 'RELAY_BAD_MESSAGE'
  | 'RELAY_OUT_OF_ORDER'
  | 'RELAY_UNKNOWN_GATEWAY'
  | 'RELAY_FOREIGN_ADDRESS'
  | 'RELAY_OPEN_TIMEOUT'
  | 'RELAY_IDLE'
  | 'RELAY_FULL'
  | 'RELAY_UNREACHABLE_GATEWAY'
  | 'RELAY_SHUTTING_DOWN'
  | 'RELAY_FRAME_TOO_BIG'
  | 'RELAY_TOO_MANY_PARTS'
  | 'RELAY_BAD_WEBSOCKET';

/** Refusals on the WebSocket. */
export const REFUSALS: Readonly<Record<RefusalCode, Refusal>> = {
  RELAY_BAD_FRAME: {
    close: 4400,
    text: 'A binary frame is malformed or names a channel that is not open.',
    outcome: 'RELAY_REFUSED',
  },
  RELAY_BAD_MESSAGE: {
    close: 4401,
    text: 'A text frame is not a valid control message.',
    outcome: 'RELAY_REFUSED',
  },
  RELAY_OUT_OF_ORDER: {
    close: 4402,
    text: 'Records, a claim or a move came before the gateway was opened, it was opened twice or moved too often, or a claim came where ESP has no channel.',
    outcome: 'RELAY_REFUSED',
  },
  RELAY_UNKNOWN_GATEWAY: {
    close: 4404,
    text: 'The relay has no gateway of that name.',
    outcome: 'RELAY_UNKNOWN_GATEWAY',
  },
  RELAY_FOREIGN_ADDRESS: {
    close: 4405,
    text: 'The gateway wants to be called at an address that its entry in the relay’s configuration does not have.',
    outcome: 'L2TP_TRY_ANOTHER',
  },
  RELAY_OPEN_TIMEOUT: {
    close: 4408,
    text: 'No gateway was opened in time.',
    outcome: 'RELAY_REFUSED',
  },
  RELAY_IDLE: {
    close: 4410,
    text: 'The tab sent nothing for too long.',
    outcome: 'RELAY_CLOSED',
  },
  RELAY_FULL: {
    close: 4429,
    text: 'The relay has no room for another session.',
    outcome: 'RELAY_FULL',
  },
  RELAY_UNREACHABLE_GATEWAY: {
    close: 4502,
    text: 'The gateway’s name has no address, or the relay has no route to it.',
    outcome: 'IKE_UNREACHABLE',
  },
  RELAY_SHUTTING_DOWN: {
    close: 4503,
    text: 'The relay is being stopped.',
    outcome: 'RELAY_CLOSED',
  },
  RELAY_FRAME_TOO_BIG: {
    close: 1009,
    text: 'A frame is larger than the relay allows.',
    outcome: 'RELAY_REFUSED',
  },
  RELAY_TOO_MANY_PARTS: {
    close: 1008,
    text: 'A message came in more fragments, or a frame in smaller pieces, than the relay allows.',
    outcome: 'RELAY_REFUSED',
  },
  RELAY_BAD_WEBSOCKET: {
    close: 1002,
    text: 'The WebSocket’s framing is broken. For a text frame that is not UTF-8 the close code is 1007.',
    outcome: 'RELAY_REFUSED',
  },
};

export type ClaimRefusalCode = 'RELAY_SPI_TAKEN' | 'RELAY_SPI_LIMIT';

/** Refusals of a claim, in a `claim-refused` message; the session goes on. */
export const CLAIM_REFUSALS: Readonly<Record<ClaimRefusalCode, ClaimRefusal>> = {
  RELAY_SPI_TAKEN: {
    text: 'Another session toward the same gateway has claimed this SPI: the tab draws another one.',
    again: true,
  },
  RELAY_SPI_LIMIT: {
    text: 'The session holds as many SPIs as it may.',
    again: false,
  },
};

export type UpgradeRefusalCode =
  | 'RELAY_BAD_HOST'
  | 'RELAY_BAD_ORIGIN'
  | 'RELAY_BAD_PATH'
  | 'RELAY_BAD_SUBPROTOCOL'
  | 'RELAY_BAD_REQUEST'
  | 'RELAY_SLOW_REQUEST'
  | 'RELAY_BIG_HEADERS';

/** Refusals of a request, most often an upgrade, answered as JSON `{ "code", "message" }`. */
export const UPGRADE_REFUSALS: Readonly<Record<UpgradeRefusalCode, UpgradeRefusal>> = {
  RELAY_BAD_HOST: {
    status: 421,
    text: 'The relay is not called by this host name; the operator can add it to “hosts”.',
  },
  RELAY_BAD_ORIGIN: {
    status: 403,
    text: 'Pages from this origin may not use the relay; the operator can add it to “origins”.',
  },
  RELAY_BAD_PATH: {
    status: 404,
    text: 'There is no WebSocket at this path.',
  },
  RELAY_BAD_SUBPROTOCOL: {
    status: 400,
    text: 'The relay speaks the subprotocol culvert.v1 only.',
  },
  RELAY_BAD_REQUEST: {
    status: 400,
    text: 'The request is not valid HTTP, has a body or does not wait for the answer to the one before, or its upgrade is not that of a WebSocket.',
  },
  RELAY_SLOW_REQUEST: {
    status: 408,
    text: 'The request was not complete in time.',
  },
  RELAY_BIG_HEADERS: {
    status: 431,
    text: 'The request’s headers are larger than the relay allows.',
  },
};
