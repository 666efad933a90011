import { describe, expect, test } from 'vitest';
import type { EspIntegrity } from '../../shared/esp/engine.ts';
import { openIdentity } from '../../shared/ike/authentication.ts';
import { type Group, sharedSecret } from '../../shared/ike/group.ts';
import { IkeSa } from '../../shared/ike/ike-sa.ts';
import { openInformational } from '../../shared/ike/informational.ts';
import { derivePhase1Keys, type Phase1Exchange } from '../../shared/ike/key-material.ts';
import { encapsulationMode } from '../../shared/ike/nat-traversal.ts';
import { bodyOf, readKeyExchange } from '../../shared/ike/phase1.ts';
import { choosePhase1, type Phase1Transform } from '../../shared/ike/phase1-transforms.ts';
import { choosePhase2, type Phase2Transform } from '../../shared/ike/phase2-transforms.ts';
import { establishChild, readProposals } from '../../shared/ike/quick-mode.ts';
import { readVendorIds } from '../../shared/ike/vendor-ids.ts';
import { decodeClearBody, decodeMessage, type Message } from '../../shared/isakmp/message.ts';
import { ExchangeType } from '../../shared/isakmp/numbers.ts';
import { decodePayloads, type ReceivedPayload } from '../../shared/isakmp/payload.ts';
import { EMPTY, fromHex, toHex } from '../../shared/wire/bytes.ts';
import { nodePrimitives } from '../support/node-primitives.ts';
import file from './ike-softether.json' with { type: 'json' };

const CONFIG = {
  credentials: {
    kind: 'pre-shared-key' as const,
    key: new TextEncoder().encode(file.preSharedKey),
  },
};

type Capture = (typeof file.captures)[number];

/** The SA as the capture's initiator had it, before message 5 or 6 went through its chain. */
function readMainMode(capture: Capture): { sa: IkeSa; messages: readonly Message[] } {
  const messages = capture.main.map((hex) => decodeMessage(fromHex(hex)));
  const clear = (index: number): readonly ReceivedPayload[] => decodeClearBody(messages[index]!);
  const transform = capture.phase1 as Phase1Transform;
  const initiator = readKeyExchange(clear(2));
  const responder = readKeyExchange(clear(3));
  const { header } = messages[5]!;
  const exchange: Phase1Exchange = {
    initiatorCookie: header.initiatorCookie,
    responderCookie: header.responderCookie,
    initiatorValue: initiator.value,
    responderValue: responder.value,
    initiatorNonce: initiator.nonce,
    responderNonce: responder.nonce,
    offer: bodyOf(clear(0), 'security-association'),
  };
  const group = transform.group as Group;
  const privateValue = fromHex(capture.exponent);
  const primitives = nodePrimitives;
  const pair = { group, privateValue, publicValue: initiator.value };
  const secret = sharedSecret(pair, responder.value, primitives);
  const keys = derivePhase1Keys(primitives, transform, CONFIG.credentials, secret!, exchange);
  const { dialect, dpd } = readVendorIds(clear(1), 'on');
  const nat = { local: true, remote: false };
  const sa = new IkeSa(
    {
      primitives,
      transform,
      exchange,
      keys,
      nat,
      dialect,
      phase2Address: new Uint8Array(4),
      dpd,
      taps: { tap: undefined },
    },
    'natt',
    { seconds: 28_800 },
  );
  return { sa, messages };
}

describe.each(file.captures)(
  'SoftEther, $phase1.cipher $phase1.keyBits $phase1.hash',
  (capture) => {
    test('main mode: its choice, its vendor ids, both proofs', () => {
      const { sa, messages } = readMainMode(capture);
      const [answer] = decodeClearBody(messages[1]!);
      expect(answer!.payload.kind).toBe('security-association');
      const chosen = readProposals([answer!]);
      expect(choosePhase1(chosen, [capture.phase1 as Phase1Transform], 1)?.transform).toEqual(
        capture.phase1,
      );
      expect(sa.parameters.dialect?.name).toBe('RFC 3947');
      expect(sa.parameters.dpd).toBe(true);
      expect(openIdentity(sa, 'initiator', messages[4]!, CONFIG, 0).kind).toBe('proven');
      expect(openIdentity(sa, 'responder', messages[5]!, CONFIG, 0).kind).toBe('proven');
    });

    test('a changed bit in message 6 proves nothing', () => {
      const { sa, messages } = readMainMode(capture);
      openIdentity(sa, 'initiator', messages[4]!, CONFIG, 0);
      const body = messages[5]!.body.slice();
      body[body.length - 1]! ^= 1;
      const before = sa.phase1.lastBlock;
      let opened: unknown;
      try {
        opened = openIdentity(sa, 'responder', { ...messages[5]!, body }, CONFIG, 0).kind;
      } catch {
        opened = undefined;
      }
      expect(opened).not.toBe('proven');
      expect(sa.phase1.lastBlock).toBe(before);
    });

    test('quick mode and the notification after it', () => {
      const { sa, messages } = readMainMode(capture);
      openIdentity(sa, 'initiator', messages[4]!, CONFIG, 0);
      openIdentity(sa, 'responder', messages[5]!, CONFIG, 0);
      const [first, second, third] = capture.quick.map((hex) => decodeMessage(fromHex(hex)));
      const chain = sa.chain(first!.header.messageId);
      const offer = sa.open(first!, chain, EMPTY)!;
      const initiatorNonce = bodyOf(offer, 'nonce');
      const answer = sa.open(second!, chain, initiatorNonce)!;
      const phase2 = capture.phase2 as Phase2Transform & { integrity: EspIntegrity };
      const modes = [encapsulationMode(sa.parameters.dialect)];
      const choice = choosePhase2(readProposals(answer), [phase2], modes, undefined)!;
      const child = establishChild(sa, {
        choice,
        ourSpi: readProposals(offer)[0]!.spi,
        peerSpi: choice.proposal.spi,
        initiatorNonce,
        responderNonce: bodyOf(answer, 'nonce'),
        sharedSecret: EMPTY,
        lifetime: {},
        initiatedBy: 'us',
        peerPort: 1701,
      });
      for (const direction of ['inbound', 'outbound'] as const) {
        const { spi, cipherKey, integrityKey } = child[direction];
        expect(spi).toBe(capture[direction].spi);
        expect(toHex(cipherKey) + toHex(integrityKey!)).toBe(capture[direction].keys);
      }
      const plaintext = chain.decrypt(third!.body);
      expect(decodePayloads(third!.firstPayload, plaintext)[0]!.payload.kind).toBe('hash');
      const notification = decodeMessage(fromHex(capture.informational));
      expect(notification.header.exchangeType).toBe(ExchangeType.informational);
      expect(openInformational(sa, notification)).toEqual([
        { kind: 'child-deleted', spi: expect.any(Number) },
      ]);
    });
  },
);
