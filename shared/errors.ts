/**
 * The outcome of a tunnel that did not work, as stable codes with plain words for the screen.
 * `docs/errors.md` has a paragraph for each; a test compares the two lists.
 */

export interface ErrorText {
  /** One sentence: what happened. */
  readonly title: string;
  /** What probably caused it. */
  readonly cause: string;
  /** What to try. */
  readonly advice: string;
  /** Exit status of `npm run dial`. */
  readonly exit: number;
}

export const ERRORS = {
  RELAY_UNREACHABLE: {
    title: 'The relay does not answer.',
    cause:
      'The relay is not running, its address is wrong, a proxy on the way refuses WebSocket connections, or the relay does not let this page in.',
    advice:
      'Check the network connection, reload the page and connect again. If that does not help, ask whoever runs the relay: its log says more.',
    exit: 10,
  },
  RELAY_CLOSED: {
    title: 'The connection to the relay was lost.',
    cause:
      'The network was interrupted, or the relay was restarted or ended a session that was idle.',
    advice: 'Connect again; if it keeps happening, try another network.',
    exit: 11,
  },
  RELAY_REFUSED: {
    title: 'The relay refused the session.',
    cause:
      'This page and the relay do not understand each other: one of them was updated and the other was not.',
    advice:
      'Reload the page and connect again. If that does not help, show the detail below to whoever runs the relay.',
    exit: 12,
  },
  RELAY_UNKNOWN_GATEWAY: {
    title: 'The relay does not know this gateway.',
    cause: 'The gateway was removed from the relay’s configuration, or its name was mistyped.',
    advice:
      'Reload the page to see the gateways there are now, and choose one of them; ask whoever runs the relay if yours is missing.',
    exit: 13,
  },
  RELAY_FULL: {
    title: 'The relay has no room for another session.',
    cause: 'As many people are connected as the operator allows.',
    advice: 'Try again in a few minutes.',
    exit: 14,
  },
  TAB_OFFLINE: {
    title: 'This device is offline.',
    cause: 'The browser says that it has no network connection.',
    advice: 'Connect to a network, then connect here again; what you typed is still there.',
    exit: 15,
  },
  PAGE_NOT_SECURE: {
    title: 'This page did not come over a protected connection.',
    cause:
      'Its address begins with http:// and is not on this device: anybody on the way could have changed the program that gets your password. The browser makes no keys here either.',
    advice:
      'Open the page under an address that begins with https://. If there is none, ask whoever runs the relay to set one up, and type no password until then.',
    exit: 16,
  },
  BROWSER_UNSUPPORTED: {
    title: 'This browser lacks something that Culvert needs.',
    cause:
      'It is older than Chrome or Edge 120, Firefox 121 or Safari 17, or something is switched off: by Lockdown Mode, a setting, an extension or an administrator.',
    advice:
      'Update the browser or open this page in another one; where something is switched off, allow it for this page. The detail below says what is missing.',
    exit: 17,
  },
  IKE_NO_RESPONSE: {
    title: 'The gateway does not answer.',
    cause:
      'It is switched off, its address is wrong, a firewall drops UDP 500 and 4500 on the way, or it says nothing to whoever does not sign in as it wants: by pre-shared key, certificate, group name or XAUTH.',
    advice:
      'Try again in a minute. If it persists, ask the gateway’s operator whether it runs, whether the relay’s address may reach it, and how clients sign in.',
    exit: 20,
  },
  IKE_UNREACHABLE: {
    title: 'The gateway cannot be reached.',
    cause: 'Nothing listens for IKE at the gateway’s address, or the relay has no route to it.',
    advice:
      'Try again in a minute: a gateway that restarts looks like this. If it persists, ask the gateway’s operator whether L2TP/IPsec is switched on.',
    exit: 21,
  },
  IKE_NO_PROPOSAL_CHOSEN: {
    title: 'The gateway accepts none of the encryption settings offered.',
    cause: 'It wants algorithms or a key exchange that Culvert does not offer.',
    advice:
      'Show the list below to the gateway’s operator, who can allow one of these combinations.',
    exit: 22,
  },
  IKE_AUTHENTICATION_FAILED: {
    title: 'The gateway and this tab could not prove their identity to each other.',
    cause:
      'Probably the pre-shared key is wrong; or the gateway does not know your certificate, key or group name, or wants XAUTH as well.',
    advice:
      'Check the pre-shared key: capital letters and spaces count. If it is right, ask the gateway’s operator whether it was changed, or whether your certificate is accepted.',
    exit: 23,
  },
  IKE_XAUTH_FAILED: {
    title: 'The gateway refused the XAUTH user name or password.',
    cause:
      'One of them is mistyped, or the gateway wants something else, such as a one-time password.',
    advice:
      'Type both again: capital letters count. If they are right, show the detail below to the gateway’s operator.',
    exit: 28,
  },
  IKE_XAUTH_REQUIRED: {
    title: 'The gateway asks for a user name and a password by XAUTH.',
    cause: 'It does so besides the sign-in of L2TP, and XAUTH was not filled in.',
    advice:
      'Ask the gateway’s operator whether it can do without; if not, fill in the XAUTH user name and password, and read what is said there first.',
    exit: 29,
  },
  IKE_REFUSED: {
    title: 'The gateway refused the key exchange.',
    cause: 'Its policy does not allow this client, or its settings differ from what was offered.',
    advice: 'Show the detail below to the gateway’s operator: the gateway’s log names the reason.',
    exit: 24,
  },
  IKE_QUICK_MODE_FAILED: {
    title: 'The gateway stopped answering while the encrypted channel was set up.',
    cause: 'Its IPsec policy does not allow transport mode for L2TP, or it lost the exchange.',
    advice:
      'Try again. If it persists, ask the gateway’s operator to compare its IPsec settings with the detail below: transport mode, UDP port 1701.',
    exit: 25,
  },
  IKE_CLOSED_BY_PEER: {
    title: 'The gateway ended the encrypted channel.',
    cause:
      'It was restarted, an administrator ended the session, or another client took its place.',
    advice: 'Connect again; if it ends again soon, ask the gateway’s operator who or what ends it.',
    exit: 26,
  },
  IKE_DEAD_PEER: {
    title: 'The gateway no longer answers.',
    cause:
      'It was restarted, or the network on the way to it was interrupted: between this tab and the relay, or between the relay and the gateway.',
    advice: 'Check the network connection and connect again.',
    exit: 27,
  },
  IKE_CERTIFICATE_NEW: {
    title: 'The gateway’s certificate has not been accepted in this browser yet.',
    cause: 'It leads to an authority whose certificate you imported; you are asked once.',
    advice:
      'Compare it with what the gateway’s operator told you, above all the name and the fingerprint, and accept it if they agree.',
    exit: 60,
  },
  IKE_CERTIFICATE_CHANGED: {
    title: 'The gateway shows another certificate than the one you accepted.',
    cause: 'Its operator renewed it, or somebody else poses as the gateway.',
    advice:
      'Ask the gateway’s operator whether it was renewed, and compare the fingerprint before you accept it.',
    exit: 61,
  },
  IKE_CERTIFICATE_WRONG_NAME: {
    title: 'The gateway’s certificate is made out to another name.',
    cause: 'The name of the gateway was mistyped, or another machine answers in its place.',
    advice:
      'Compare the name you typed with those in the certificate below. If it is right, tell the gateway’s operator.',
    exit: 62,
  },
  IKE_CERTIFICATE_UNKNOWN_CA: {
    title: 'Nobody you trust vouches for the gateway’s certificate.',
    cause: 'The authority that issued it is not among the certificates you imported.',
    advice:
      'Ask the gateway’s operator for the certificate of its authority (CA), and add that file.',
    exit: 63,
  },
  IKE_CERTIFICATE_EXPIRED: {
    title: 'The gateway’s certificate has expired.',
    cause: 'Its operator has not renewed it, or the clock of this device is wrong.',
    advice: 'Check the date of this device. If it is right, tell the gateway’s operator.',
    exit: 64,
  },
  IKE_CERTIFICATE_NOT_YET_VALID: {
    title: 'The gateway’s certificate is not valid yet.',
    cause: 'The clock of this device is behind, or the certificate was issued for later.',
    advice: 'Check the date of this device. If it is right, tell the gateway’s operator.',
    exit: 65,
  },
  IKE_CERTIFICATE_REVOKED: {
    title: 'The gateway’s certificate was revoked.',
    cause: 'The list of revoked certificates that you imported has it.',
    advice: 'Do not continue; tell the gateway’s operator.',
    exit: 66,
  },
  IKE_CERTIFICATE_REVOCATION_UNKNOWN: {
    title: 'Nobody has said whether the gateway’s certificate was revoked.',
    cause:
      'You asked for a list of revoked certificates, and none of those you imported covers this one, or theirs is out of date.',
    advice:
      'Add a current list (CRL) of its authority as a file: the detail below says where it is published, as far as the certificate does.',
    exit: 69,
  },
  IKE_CERTIFICATE_WEAK: {
    title: 'The gateway’s certificate is too weak to prove anything.',
    cause: 'Its key or its signature can be forged with today’s means.',
    advice:
      'Ask the gateway’s operator for a certificate with SHA-256 and RSA-2048, ECDSA-256 or better.',
    exit: 67,
  },
  IKE_CERTIFICATE_INVALID: {
    title: 'The gateway’s certificate cannot be used.',
    cause: 'It is missing, damaged, or meant for something else.',
    advice: 'Show the detail below to the gateway’s operator.',
    exit: 68,
  },
  KEY_FILE_UNREADABLE: {
    title: 'A key or certificate file cannot be read.',
    cause: 'It is damaged, or in a form that Culvert does not know.',
    advice:
      'Use PKCS#12 (.p12, .pfx) or PEM (.pem, .crt, .key), with keys of RSA or of the curves P-256, P-384 or P-521.',
    exit: 70,
  },
  KEY_FILE_WRONG_PASSPHRASE: {
    title: 'The passphrase does not open the key file.',
    cause: 'It is mistyped, or belongs to another file.',
    advice: 'Type it again: capital letters and spaces count.',
    exit: 71,
  },
  KEY_FILE_NO_KEY: {
    title: 'None of the files has the private key.',
    cause: 'Only certificates were chosen, or files whose key is missing.',
    advice: 'Add the file that has your private key: a .p12, .pfx or .key file.',
    exit: 72,
  },
  KEY_FILE_MISMATCH: {
    title: 'The private key and the certificates do not belong together.',
    cause: 'The files are of different people, or of different years.',
    advice: 'Choose the certificate that was issued for this key.',
    exit: 73,
  },
  L2TP_NO_RESPONSE: {
    title: 'The encrypted channel stands, but the gateway’s L2TP service does not answer.',
    cause:
      'Its L2TP service is stopped, a firewall on the gateway drops UDP 1701 inside IPsec, or it checks packets in another way than was agreed on.',
    advice:
      'Try again, with an old gateway also with the short check of SHA-256 under “Advanced” (`--sha256-96`). If it persists, ask the gateway’s operator to check the L2TP service.',
    exit: 30,
  },
  L2TP_REFUSED: {
    title: 'The gateway refused the L2TP connection.',
    cause:
      'Its L2TP service allows no further tunnel, does not accept this client, or asks for a tunnel secret, which Culvert does not have.',
    advice:
      'Try again in a few minutes. If it persists, show the detail below to the gateway’s operator.',
    exit: 31,
  },
  L2TP_TRY_ANOTHER: {
    title: 'The gateway wants to be called at another address.',
    cause:
      'It spreads its clients over several machines, and the relay may not reach the one it names.',
    advice:
      'Show the detail below to whoever runs the relay, who can add the address to the gateway’s “addresses”.',
    exit: 35,
  },
  L2TP_CALL_REFUSED: {
    title: 'The gateway refused the L2TP session.',
    cause: 'No session is free, or the service behind it is not available.',
    advice:
      'Try again in a few minutes. If it persists, show the detail below to the gateway’s operator.',
    exit: 32,
  },
  L2TP_CLOSED_BY_PEER: {
    title: 'The gateway ended the session.',
    cause: 'An administrator ended it, it was idle for too long, or the gateway was restarted.',
    advice:
      'Connect again; if it ends again soon, the detail below tells the gateway’s operator why.',
    exit: 33,
  },
  L2TP_DEAD_PEER: {
    title: 'The gateway’s L2TP service no longer answers.',
    cause: 'The service was restarted, or the network on the way to it was interrupted.',
    advice: 'Check the network connection and connect again.',
    exit: 34,
  },
  PPP_AUTH_FAILED: {
    title: 'The gateway refused the user name or the password.',
    cause: 'One of them is mistyped, or the account is not allowed to dial in.',
    advice:
      'Type both again: capital letters count, and some gateways want the name as user@domain. After several attempts an account may be locked for a while.',
    exit: 40,
  },
  PPP_PASSWORD_EXPIRED: {
    title: 'The password has expired.',
    cause: 'The account’s password is too old, or has to be changed at the first use.',
    advice:
      'Change it where your organisation lets you do so, or ask its help desk; it cannot be changed here. Then connect again with the new one.',
    exit: 41,
  },
  PPP_NO_AUTH_PROTOCOL: {
    title: 'The gateway wants a way to sign in that is not allowed here.',
    cause:
      'It accepts neither MS-CHAPv2 nor CHAP, which keep the password secret from whoever is at the other end.',
    advice: 'Ask the gateway’s operator to allow MS-CHAPv2.',
    exit: 42,
  },
  PPP_PEER_NOT_AUTHENTIC: {
    title: 'The gateway could not prove that it knows the password.',
    cause:
      'It may not be the gateway it claims to be: someone who knows the pre-shared key can pose as it.',
    advice: 'Do not continue, and do not allow anything weaker; tell the gateway’s operator.',
    exit: 43,
  },
  PPP_NEGOTIATION_FAILED: {
    title: 'The gateway and this tab could not agree on the link.',
    cause: 'The gateway stopped answering or insists on an option Culvert does not have.',
    advice: 'Try again. If it persists, show the detail below to the gateway’s operator.',
    exit: 44,
  },
  PPP_NO_ADDRESS: {
    title: 'The gateway assigned no address.',
    cause: 'Its address pool is exhausted, or its DHCP service does not answer.',
    advice:
      'Try again in a few minutes. If it persists, tell the gateway’s operator: the address pool may be too small.',
    exit: 45,
  },
  PPP_CLOSED_BY_PEER: {
    title: 'The gateway hung up.',
    cause:
      'The session time ended, an administrator closed it, or the gateway insists on something that Culvert does not have, such as MPPE.',
    advice:
      'Connect again; if it hangs up again soon, ask the gateway’s operator about time limits for your account.',
    exit: 46,
  },
  PPP_DEAD_PEER: {
    title: 'The gateway no longer answers on the link.',
    cause: 'The network was interrupted, or the gateway lost the session.',
    advice: 'Check the network connection and connect again.',
    exit: 47,
  },
  NAME_NOT_FOUND: {
    title: 'There is no such name behind the gateway.',
    cause: 'The name is mistyped, or the gateway’s name server does not know it.',
    advice: 'Check the name, or use the address.',
    exit: 50,
  },
  NAME_SERVER_SILENT: {
    title: 'The name server behind the gateway does not answer.',
    cause: 'The gateway assigned no working name server.',
    advice: 'Use the address instead of the name.',
    exit: 51,
  },
  CONNECTION_REFUSED: {
    title: 'The host refused the connection.',
    cause: 'Nothing listens on that port.',
    advice: 'Check the port number.',
    exit: 52,
  },
  CONNECTION_RESET: {
    title: 'The host broke off the connection.',
    cause: 'The service ended, or something in between closed the connection.',
    advice: 'Try again.',
    exit: 53,
  },
  TIMED_OUT: {
    title: 'The host does not answer.',
    cause: 'It is switched off, or a firewall drops the packets.',
    advice: 'Check the address.',
    exit: 54,
  },
  UNREACHABLE: {
    title: 'The host cannot be reached.',
    cause: 'The network behind the gateway has no route to it.',
    advice: 'Check the address.',
    exit: 55,
  },
  HTTP_FAILED: {
    title: 'The web request failed.',
    cause: 'The server answered with something that is not HTTP, or its certificate was refused.',
    advice: 'Check the address, http:// or https:// included; the detail below says more.',
    exit: 56,
  },
  CANCELLED: {
    title: 'The request was cancelled.',
    cause: 'Somebody here pressed Cancel.',
    advice: 'Start it again when you like.',
    exit: 58,
  },
  BAD_INPUT: {
    title: 'Something typed in is not usable.',
    cause: 'A field is empty or has the wrong form.',
    advice: 'Correct the field named below.',
    exit: 2,
  },
  NOT_CONNECTED: {
    title: 'There is no tunnel.',
    cause: 'The tunnel was closed or never opened.',
    advice: 'Connect first.',
    exit: 57,
  },
  INTERNAL: {
    title: 'Culvert itself failed.',
    cause: 'There is a defect in Culvert, not in what you typed.',
    advice: 'Reload the page and try again, and please report the detail below.',
    exit: 1,
  },
} as const;

export type TunnelErrorCode = keyof typeof ERRORS;

/** The words for a code. */
export function errorText(code: TunnelErrorCode): ErrorText {
  return ERRORS[code];
}

/** Why a machine ended: a code, and a bounded detail for those who can read it; never a secret. */
export interface Failure {
  readonly code: TunnelErrorCode;
  readonly detail?: string;
  /** The one thing the peer insists on that only the user may allow. */
  readonly wants?: 'pap' | 'certificate';
  /** What the peer showed, where that is what it failed at. */
  readonly certificate?: CertificateSummary;
}

/** A certificate in words for a screen: whatever of it a peer wrote is to be shown as bounded plain text. */
export interface CertificateSummary {
  readonly subject: string;
  readonly issuer: string;
  /** Alternative names. */
  readonly names: readonly string[];
  /** Milliseconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** e.g. `RSA-2048`. */
  readonly key: string;
  /** SHA-256 of the whole, in hexadecimal. */
  readonly fingerprint: string;
}

/** A `Failure` as an exception, for callers of the promise-shaped API. */
export class TunnelError extends Error {
  override readonly name = 'TunnelError';
  readonly code: TunnelErrorCode;
  readonly detail: string | undefined;

  constructor(code: TunnelErrorCode, detail?: string) {
    super(detail === undefined ? ERRORS[code].title : `${ERRORS[code].title} (${detail})`);
    this.code = code;
    this.detail = detail;
  }

  static of({ code, detail }: Failure): TunnelError {
    return new TunnelError(code, detail);
  }

  get failure(): Failure {
    const { code, detail } = this;
    return { code, ...(detail !== undefined && { detail }) };
  }
}

/** Longest text from a peer that is shown, in characters. */
export const PEER_TEXT_LIMIT = 200;

/** Controls, directional and other invisible characters, lone surrogates, what is unassigned, line separators. */
const UNFIT = /[\p{C}\p{Zl}\p{Zp}]/u;

/** Longest detail of a failure that is shown, in characters: our own words beside the peer's. */
export const DETAIL_LIMIT = 500;

/** Text from a peer made fit for a screen: one line of visible characters, at most `limit` and an ellipsis. */
export function plainText(text: string, limit: number = PEER_TEXT_LIMIT): string {
  let out = '';
  for (const char of text) {
    if (out.length + char.length > limit) return `${out.trim()}…`;
    out += UNFIT.test(char) ? ' ' : char;
  }
  return out.trim();
}
