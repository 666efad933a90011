import { describe, expect, it } from 'vitest';
import {
  ChapCode,
  decodeChapValue,
  decodeMsChapResponse,
  encodeChapValue,
  encodeMsChapResponse,
} from '../../../shared/ppp/chap-packet.ts';
import {
  decodeConfigOptions,
  encodeConfigOptions,
  MAX_OPTIONS,
} from '../../../shared/ppp/config-option.ts';
import { decodeControlPacket, encodeControlPacket } from '../../../shared/ppp/control-packet.ts';
import {
  decodeIpcpOption,
  encodeIpcpOption,
  type IpcpOption,
} from '../../../shared/ppp/ipcp-option.ts';
import {
  decodeLcpOption,
  encodeLcpOption,
  type LcpOption,
  methodOfOption,
  optionOfMethod,
} from '../../../shared/ppp/lcp-option.ts';
import {
  decodeAuthenticateRequest,
  decodeReplyMessage,
  encodeAuthenticateRequest,
  encodeReply,
} from '../../../shared/ppp/pap-packet.ts';
import {
  encodeFrame,
  headerLength,
  PppProtocol,
  protocolNumber,
} from '../../../shared/ppp/protocol.ts';
import { fromHex, toHex } from '../../../shared/wire/bytes.ts';
import { DecodeError } from '../../../shared/wire/errors.ts';
import { utf8Decode, utf8Encode, utf16Encode } from '../../../shared/wire/text.ts';

describe('a frame', () => {
  it.each([
    ['ff030021', 4, 0x0021],
    ['0021', 2, 0x0021],
    ['21', 1, 0x21],
    ['ff0321', 3, 0x21],
    ['ff03c021', 4, 0xc021],
    ['c223', 2, 0xc223],
  ])('%s begins with a header of %i bytes', (hex, length, protocol) => {
    const bytes = fromHex(`aa${hex}4500`);
    expect(headerLength(bytes, 1, bytes.length)).toBe(length);
    expect(protocolNumber(bytes, 1, length)).toBe(protocol);
  });

  it.each(['', 'ff03', 'ff03c0', 'c0', 'c020', '00'])('%j is malformed', (hex) => {
    const bytes = fromHex(hex);
    expect(headerLength(bytes, 0, bytes.length)).toBe(0);
  });

  it('is always written with address, control and two bytes of protocol', () => {
    expect(toHex(encodeFrame(PppProtocol.lcp, fromHex('0102')))).toBe('ff03c0210102');
  });
});

describe('a control packet', () => {
  const packet = { code: 1, id: 7, body: fromHex('010405dc') };
  const hex = '01070008010405dc';

  it('is written and read', () => {
    expect(toHex(encodeControlPacket(packet))).toBe(hex);
    expect(decodeControlPacket(fromHex(hex))).toEqual(packet);
  });

  it('may be padded', () => {
    expect(decodeControlPacket(fromHex(`${hex}0000`))).toEqual(packet);
  });

  it.each(['', '01', '010700', '0107000801', '01070003'])('%j is refused', (short) => {
    expect(() => decodeControlPacket(fromHex(short))).toThrow(DecodeError);
  });
});

describe('configuration options', () => {
  it('are not more than anybody needs', () => {
    const many = fromHex('0502'.repeat(MAX_OPTIONS));
    expect(decodeConfigOptions(many)).toHaveLength(MAX_OPTIONS);
    expect(() => decodeConfigOptions(fromHex('0502'.repeat(MAX_OPTIONS + 1)))).toThrow(DecodeError);
  });

  it('are written and read', () => {
    const options = [
      { type: 1, data: fromHex('05dc') },
      { type: 7, data: fromHex('') },
    ];
    expect(toHex(encodeConfigOptions(options))).toBe('010405dc0702');
    expect(decodeConfigOptions(fromHex('010405dc0702'))).toEqual(options);
  });

  it.each(['01', '0101', '0100', '010405', '0702ff'])('%s is refused', (hex) => {
    expect(() => decodeConfigOptions(fromHex(hex))).toThrow(DecodeError);
  });
});

const LCP_OPTIONS: [LcpOption, string][] = [
  [{ kind: 'mru', mru: 1400 }, '01040578'],
  [{ kind: 'async-control-character-map', map: 0xffffffff }, '0206ffffffff'],
  [{ kind: 'authentication-protocol', protocol: 0xc023, data: fromHex('') }, '0304c023'],
  [{ kind: 'authentication-protocol', protocol: 0xc223, data: fromHex('81') }, '0305c22381'],
  [{ kind: 'magic-number', magic: 0xdeadbeef }, '0506deadbeef'],
  [{ kind: 'protocol-field-compression' }, '0702'],
  [{ kind: 'address-and-control-field-compression' }, '0802'],
  [{ kind: 'unknown', code: 13, body: fromHex('06') }, '0d0306'],
  [{ kind: 'unknown', code: 17, body: fromHex('05dc') }, '110405dc'],
  [{ kind: 'unknown', code: 1, body: fromHex('05') }, '010305'],
  [{ kind: 'unknown', code: 7, body: fromHex('00') }, '070300'],
];

describe('an LCP option', () => {
  it.each(LCP_OPTIONS)('%j', (option, hex) => {
    expect(toHex(encodeConfigOptions([encodeLcpOption(option)]))).toBe(hex);
    expect(decodeConfigOptions(fromHex(hex)).map(decodeLcpOption)).toEqual([option]);
  });

  it.each(['pap', 'chap-md5', 'mschapv2'] as const)('names %s', (method) => {
    expect(methodOfOption(optionOfMethod(method))).toBe(method);
  });

  it.each([
    ['EAP', 0xc227, ''],
    ['MS-CHAPv1', 0xc223, '80'],
    ['CHAP without an algorithm', 0xc223, ''],
    ['PAP with something more', 0xc023, '00'],
  ])('%s names no method', (_, protocol, data) => {
    const option = { kind: 'authentication-protocol', protocol, data: fromHex(data) } as const;
    expect(methodOfOption(option)).toBeUndefined();
  });
});

const IPCP_OPTIONS: [IpcpOption, string][] = [
  [{ kind: 'ip-address', address: fromHex('0a000001') }, '03060a000001'],
  [{ kind: 'primary-dns', address: fromHex('0a000035') }, '81060a000035'],
  [{ kind: 'secondary-dns', address: fromHex('00000000') }, '830600000000'],
  [{ kind: 'unknown', code: 2, body: fromHex('002d0f01') }, '0206002d0f01'],
  [{ kind: 'unknown', code: 130, body: fromHex('00000000') }, '820600000000'],
  [{ kind: 'unknown', code: 3, body: fromHex('0a0000') }, '03050a0000'],
];

describe('an IPCP option', () => {
  it.each(IPCP_OPTIONS)('%j', (option, hex) => {
    expect(toHex(encodeConfigOptions([encodeIpcpOption(option)]))).toBe(hex);
    expect(decodeConfigOptions(fromHex(hex)).map(decodeIpcpOption)).toEqual([option]);
  });
});

describe('PAP', () => {
  const request = { peerId: utf8Encode('alice'), password: utf8Encode('pw') };
  const hex = '05616c696365027077';

  it('writes and reads a request', () => {
    expect(toHex(encodeAuthenticateRequest(1, request).body)).toBe(hex);
    expect(decodeAuthenticateRequest({ code: 1, id: 1, body: fromHex(hex) })).toEqual(request);
  });

  it('refuses every prefix of a request, and more than one', () => {
    const body = fromHex(hex);
    for (let length = 0; length < body.length; length++) {
      const packet = { code: 1, id: 1, body: body.slice(0, length) };
      expect(() => decodeAuthenticateRequest(packet), `${length}`).toThrow(DecodeError);
    }
    const longer = { code: 1, id: 1, body: fromHex(`${hex}00`) };
    expect(() => decodeAuthenticateRequest(longer)).toThrow(DecodeError);
  });

  it.each([
    ['0548656c6c6f', 'Hello'],
    ['', ''],
    ['00', ''],
    ['0948656c6c6f', 'Hello'],
  ])('reads the message of the reply %j', (body, text) => {
    const message = decodeReplyMessage({ code: 2, id: 1, body: fromHex(body) });
    expect(utf8Decode(message)).toBe(text);
  });

  it('writes a reply', () => {
    expect(toHex(encodeReply(3, 9, utf8Encode('no')).body)).toBe('026e6f');
  });
});

describe('CHAP', () => {
  it('writes and reads a value', () => {
    const value = { value: fromHex('0102'), name: utf8Encode('gw') };
    const packet = encodeChapValue(ChapCode.challenge, 3, value);
    expect(toHex(packet.body)).toBe('0201026777');
    expect(decodeChapValue(packet)).toEqual(value);
  });

  it.each(['', '00', '0001', '0201'])('refuses the value %j', (body) => {
    const packet = { code: 1, id: 1, body: fromHex(body) };
    expect(() => decodeChapValue(packet)).toThrow(DecodeError);
  });

  it('writes and reads the response of MS-CHAPv2', () => {
    const response = {
      peerChallenge: fromHex('11'.repeat(16)),
      ntResponse: fromHex('22'.repeat(24)),
    };
    const value = encodeMsChapResponse(response);
    expect(toHex(value)).toBe(`${'11'.repeat(16)}${'00'.repeat(8)}${'22'.repeat(24)}00`);
    expect(decodeMsChapResponse(value)).toEqual(response);
    for (const length of [0, 16, 48, 50])
      expect(() => decodeMsChapResponse(new Uint8Array(length))).toThrow(DecodeError);
  });
});

describe('text', () => {
  it.each(['', 'alice', 'Zoë', '日本語', '🔑 key', '\u07ff\u0800\uffff\u{10ffff}'])(
    'encodes %j as TextEncoder does',
    (text) => {
      expect(utf8Encode(text)).toEqual(new Uint8Array(new TextEncoder().encode(text)));
      expect(utf8Decode(utf8Encode(text))).toBe(text);
    },
  );

  it.each(['ff', '41ff42', 'c3', 'c080', 'e08080', 'eda080', 'f4908080', 'f8888080', 'e3818a80'])(
    'decodes %s without failing',
    (hex) => {
      expect(utf8Decode(fromHex(hex))).toContain('\ufffd');
    },
  );

  it('writes UTF-16 little endian', () => {
    expect(toHex(utf16Encode('cä🔑'))).toBe(Buffer.from('cä🔑', 'utf16le').toString('hex'));
  });
});
