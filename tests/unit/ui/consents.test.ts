import { describe, expect, test } from 'vitest';
import {
  CONSENTS_LIMIT,
  type ConsentStorage,
  Consents,
  decodeConsents,
} from '../../../web/ui/consents.ts';

const office = { relay: 'wss://portal.example', gateway: 'office' };

function memory(text: string | null = null) {
  const kept = { text };
  const storage: ConsentStorage = {
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
    new Consents(storage).grant(office);
    expect(kept.text).toBe(JSON.stringify([office]));
    const later = new Consents(storage);
    expect(later.has({ ...office })).toBe(true);
    expect(later.has({ ...office, relay: 'wss://other.example' })).toBe(false);
    expect(later.has({ ...office, gateway: 'branch' })).toBe(false);
  });

  test('are taken back, also by another tab', () => {
    const { kept, storage } = memory();
    const [one, two] = [new Consents(storage), new Consents(storage)];
    one.grant(office);
    two.reload();
    expect(two.list.value).toEqual([office]);
    two.revoke(office);
    expect(kept.text).toBe('[]');
    one.reload();
    expect(one.has(office)).toBe(false);
  });

  test('are listed once and bounded', () => {
    const consents = new Consents(undefined);
    consents.grant(office);
    consents.grant(office);
    expect(consents.list.value).toEqual([office]);
    for (let i = 0; i < CONSENTS_LIMIT; i += 1) consents.grant({ ...office, gateway: `g${i}` });
    expect(consents.list.value).toHaveLength(CONSENTS_LIMIT);
    expect(consents.has(office)).toBe(false);
  });

  test('work without a storage that works', () => {
    const refuse = (): never => {
      throw new Error('denied');
    };
    const consents = new Consents({ getItem: refuse, setItem: refuse });
    consents.grant(office);
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
    expect(decodeConsents(text)).toEqual([]);
  });
});
