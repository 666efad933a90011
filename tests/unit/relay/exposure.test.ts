import { describe, expect, test } from 'vitest';
import { exposureProblem, exposureWarning } from '../../../relay/exposure.ts';

const at = (host: string, open?: boolean) => ({
  listen: { host, port: 0 },
  gateways: [],
  ...(open === undefined ? {} : { open }),
});

describe('listening', () => {
  test.each(['127.0.0.1', '127.1.2.3', '::1', 'localhost', 'LOCALHOST'])(
    'on %s needs nobody’s word',
    (host) => {
      expect(exposureProblem(at(host))).toBeUndefined();
      expect(exposureWarning(at(host, true))).toBeUndefined();
    },
  );

  test.each([
    '0.0.0.0',
    '::',
    '192.0.2.1',
    '2001:db8::1',
    'relay.example',
    'relay.localhost',
    '127.example',
    '128.0.0.1',
    '::ffff:127.0.0.1',
    '0',
    '127.1',
  ])('on %s is refused, unless it is to be open', (host) => {
    expect(exposureProblem(at(host))).toMatch(/^open: must be true .*"open": true/);
    expect(exposureProblem(at(host, false))).toBe(exposureProblem(at(host)));
    expect(exposureProblem(at(host, true))).toBeUndefined();
    expect(exposureWarning(at(host, true))).toMatch(
      /^Warning: anyone who reaches .* IKE, ESP and L2TP/,
    );
  });
});
