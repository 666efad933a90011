/** What the end-to-end tests are told by their set-up; whatever is missing is an error, never a skip. */

export interface Environment {
  readonly url: string;
  readonly gateway: string;
  /** The same gateway, reached without NAT traversal; it has to be SoftEther's bound personality. */
  readonly rawGateway: string;
  readonly gatewayPid: number;
  readonly preSharedKey: string;
  readonly userName: string;
  readonly password: string;
  readonly pingHost: string;
  readonly fileUrl: string;
  readonly fileSha256: string;
}

/** The tunnel to dial and what lies behind it. */
export function environment(): Environment {
  return {
    url: variable('CULVERT_E2E_URL', 'the portal’s address'),
    gateway: variable('CULVERT_E2E_GATEWAY', 'the id of a gateway the relay knows'),
    rawGateway: variable('CULVERT_E2E_RAW_GATEWAY', 'that gateway’s id for raw ESP'),
    gatewayPid: Number(variable('CULVERT_E2E_GATEWAY_PID', 'that gateway’s process id')),
    preSharedKey: variable('CULVERT_E2E_PSK', 'that gateway’s pre-shared key'),
    userName: variable('CULVERT_E2E_USER', 'a user there'),
    password: variable('CULVERT_E2E_PASSWORD', 'that user’s password'),
    pingHost: variable('CULVERT_E2E_PING_HOST', 'a host behind the gateway that answers pings'),
    fileUrl: variable('CULVERT_E2E_FILE_URL', 'a file of 20 MB on a web server behind the gateway'),
    fileSha256: variable('CULVERT_E2E_FILE_SHA256', 'that file’s SHA-256 in hexadecimal'),
  };
}

/** Chromium's executable. */
export function chromiumPath(): string {
  return variable('CULVERT_E2E_CHROMIUM', 'Chromium’s executable');
}

/** Firefox’s executable. */
export function firefoxPath(): string {
  return variable('CULVERT_E2E_FIREFOX', 'Firefox’s executable');
}

/** The folder that pictures of the page go to. */
export function screenshotFolder(): string {
  return variable('CULVERT_E2E_SCREENSHOTS', 'a folder for screenshots');
}

function variable(name: string, meaning: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') {
    throw new Error(`${name} is not set: ${meaning}. \`npm test e2e\` sets it.`);
  }
  return value;
}
