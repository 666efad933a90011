import { describe, expect, test } from 'vitest';
import { AcceptedCertificates } from '../../../web/ui/accepted-certificates.ts';
import { Consents } from '../../../web/ui/consents.ts';
import { EspSettingsList, PLAIN_ESP } from '../../../web/ui/esp-settings.ts';
import { DECISIONS_LIMIT, type DecisionStorage } from '../../../web/ui/stored-list.ts';

const office = { relay: 'wss://portal.example', gateway: 'office' };

function memory(text: string | null = null) {
  const kept = { text };
  const storage: DecisionStorage = {
    getItem: () => kept.text,
    setItem: (_key, value) => {
      kept.text = value;
    },
  };
  return { kept, storage };
}

describe('consents', () => {
  test('are kept by relay and gateway, and hold nothing else', () => {
    const { kept, storage } = memory();
    new Consents(storage).put(office);
    expect(kept.text).toBe(JSON.stringify([office]));
    const later = new Consents(storage);
    expect(later.has({ ...office })).toBe(true);
    expect(later.has({ ...office, relay: 'wss://other.example' })).toBe(false);
    expect(later.has({ ...office, gateway: 'branch' })).toBe(false);
  });

  test('are taken back, also by another tab', () => {
    const { kept, storage } = memory();
    const [one, two] = [new Consents(storage), new Consents(storage)];
    one.put(office);
    two.reload();
    expect(two.list.value).toEqual([office]);
    two.remove(office);
    expect(kept.text).toBe('[]');
    one.reload();
    expect(one.has(office)).toBe(false);
  });

  test('are listed once and bounded', () => {
    const consents = new Consents(undefined);
    consents.put(office);
    consents.put(office);
    expect(consents.list.value).toEqual([office]);
    for (let i = 0; i < DECISIONS_LIMIT; i += 1) consents.put({ ...office, gateway: `g${i}` });
    expect(consents.list.value).toHaveLength(DECISIONS_LIMIT);
    expect(consents.has(office)).toBe(false);
  });

  test('work without a storage that works', () => {
    const refuse = (): never => {
      throw new Error('denied');
    };
    const consents = new Consents({ getItem: refuse, setItem: refuse });
    consents.put(office);
    expect(consents.has(office)).toBe(true);
  });

  test.each([
    null,
    '',
    'x',
    '{}',
    '[1,null]',
    '[{"relay":"a"}]',
    '[{"relay":"","gateway":"g"}]',
    JSON.stringify([{ relay: 'a', gateway: 'g'.repeat(301) }]),
  ])('are none in %j', (text) => {
    expect(new Consents(memory(text).storage).list.value).toEqual([]);
  });
});

describe('accepted certificates', () => {
  const fingerprint = 'ab'.repeat(32);

  test('are one fingerprint for each gateway', () => {
    const { kept, storage } = memory();
    const accepted = new AcceptedCertificates(storage);
    accepted.put({ ...office, fingerprint: 'cd'.repeat(32) });
    accepted.put({ ...office, fingerprint });
    expect(kept.text).toBe(JSON.stringify([{ ...office, fingerprint }]));
    expect(new AcceptedCertificates(storage).find(office)?.fingerprint).toBe(fingerprint);
    expect(accepted.find({ ...office, gateway: 'branch' })).toBeUndefined();
  });

  test.each([
    JSON.stringify([office]),
    JSON.stringify([{ ...office, fingerprint: 'AB' }]),
    JSON.stringify([{ gateway: 'office', fingerprint }]),
    '[null]',
  ])('are none in %j', (text) => {
    expect(new AcceptedCertificates(memory(text).storage).list.value).toEqual([]);
  });
});

describe('settings of a gateway’s ESP', () => {
  test('are kept while one differs from what every gateway gets', () => {
    const { kept, storage } = memory();
    const settings = new EspSettingsList(storage);
    expect(settings.of(office)).toEqual(PLAIN_ESP);
    settings.change(office, { truncatedSha256: true });
    settings.change(office, { extendedSequenceNumbers: true });
    const both = { truncatedSha256: true, extendedSequenceNumbers: true };
    expect(kept.text).toBe(JSON.stringify([{ ...office, ...both }]));
    expect(new EspSettingsList(storage).of(office)).toEqual(both);
    expect(settings.of({ ...office, gateway: 'branch' })).toEqual(PLAIN_ESP);
    settings.change(office, { truncatedSha256: false });
    expect(settings.of(office)).toEqual({ ...PLAIN_ESP, extendedSequenceNumbers: true });
    settings.change(office, { extendedSequenceNumbers: false });
    expect(kept.text).toBe('[]');
  });

  test.each([
    JSON.stringify([office]),
    JSON.stringify([{ ...office, truncatedSha256: 'yes', extendedSequenceNumbers: false }]),
    JSON.stringify([{ gateway: 'office', ...PLAIN_ESP }]),
    '[null]',
  ])('are none in %j', (text) => {
    expect(new EspSettingsList(memory(text).storage).list.value).toEqual([]);
  });
});
