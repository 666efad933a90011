/**
 * A program: asks a gateway for an IKE main mode with a cipher it does not have, and ends well when it
 * answers at all. A refusal makes no state at the gateway. Usage: `ike-probe.ts ADDRESS`.
 */
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';

const TRIES = 5;
const RESEND_MS = 1_000;
const PORT = 500;

const ID_PROT = 2;
const SA = 1;
const VENDOR_ID = 13;
/** RFC 3947: without it SoftEther on 0.0.0.0 answers nothing. */
const NAT_TRAVERSAL = Buffer.from('4a131c81070358455c5728f20e95452f', 'hex');

const address = process.argv[2];
if (address === undefined) throw new TypeError('an address is needed');
const socket = createSocket('udp4');
let tries = 0;

const send = () => {
  if (tries++ === TRIES) {
    console.error(`no answer from ${address} to ${TRIES} packets`);
    process.exit(1);
  }
  socket.send(firstMessage());
};
const timer = setInterval(send, RESEND_MS);

socket.on('message', (answer) => {
  console.log(answer.toString('hex'));
  clearInterval(timer);
  socket.close();
});
// A refused port answers with an ICMP error, which is not an answer.
socket.on('error', (error) => console.error(error.message));
socket.connect(PORT, address, send);

/** @rfc 2408 §3.1 */
function firstMessage(): Buffer {
  const body = Buffer.concat([securityAssociation(), payload(0, NAT_TRAVERSAL)]);
  const header = Buffer.alloc(28);
  randomBytes(8).copy(header);
  header.set([SA, 0x10, ID_PROT], 16);
  header.writeUInt32BE(header.length + body.length, 24);
  return Buffer.concat([header, body]);
}

/** One proposal with one transform: CAST-128, MD5, pre-shared key, MODP 768. */
function securityAssociation(): Buffer {
  const attributes = Buffer.from('80010006800200018003000180040001', 'hex');
  const transform = payload(0, Buffer.concat([Buffer.from([1, 1, 0, 0]), attributes]));
  const proposal = payload(0, Buffer.concat([Buffer.from([1, 1, 0, 1]), transform]));
  const ipsecIdentityOnly = Buffer.from([0, 0, 0, 1, 0, 0, 0, 1]);
  return payload(VENDOR_ID, Buffer.concat([ipsecIdentityOnly, proposal]));
}

/** @rfc 2408 §3.2 */
function payload(next: number, body: Buffer): Buffer {
  const header = Buffer.from([next, 0, 0, 0]);
  header.writeUInt16BE(header.length + body.length, 2);
  return Buffer.concat([header, body]);
}
