import { expect, it } from 'vitest';
import { missingPackages } from '../../../scripts/support/tools.ts';

it('reads from a simulated installation what is missing and what is too old', () => {
  const simulation = [
    'Reading package lists...',
    'Inst softether-common (5.01.9674+git20200806+8181039+dfsg2-2+b2 Debian:12.15/oldstable [amd64])',
    'Inst libssl3 [3.0.15-1] (3.0.17-1~deb12u2 Debian-Security:12/oldstable-security [amd64]) []',
    'Inst fonts-liberation (1:1.07.4-11 Debian:12.15/oldstable [all])',
    'Conf fonts-liberation (1:1.07.4-11 Debian:12.15/oldstable [all])',
    'Remv mawk [1.3.4]',
    '',
  ].join('\n');
  expect(missingPackages(simulation)).toEqual([
    'softether-common=5.01.9674+git20200806+8181039+dfsg2-2+b2',
    'libssl3=3.0.17-1~deb12u2',
    'fonts-liberation=1:1.07.4-11',
  ]);
});

it('finds nothing missing where everything is installed', () => {
  expect(missingPackages('Reading package lists...\n')).toEqual([]);
});
