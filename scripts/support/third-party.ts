/** The licences of what the portal ships, gathered into one file beside it. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Packages whose code or style reaches the browser, those they bring along included. */
const SHIPPED = [
  'libcurl.js',
  'comlink',
  'preact',
  '@preact/signals',
  '@preact/signals-core',
  '@picocss/pico',
  '@noble/hashes',
  '@leichtgewicht/dns-packet',
  '@leichtgewicht/ip-codec',
  'utf8-codec',
] as const;

/** One text: each package's name, version and licence. Throws when one has no licence file. */
export function thirdPartyLicences(): string {
  return SHIPPED.map((name) => {
    const folder = fileURLToPath(new URL(`../../node_modules/${name}/`, import.meta.url));
    const { version, license } = JSON.parse(readFileSync(`${folder}package.json`, 'utf8')) as {
      version: string;
      license: string;
    };
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    if (file === undefined) throw new Error(`${name} has no licence file`);
    const text = readFileSync(folder + file, 'utf8').trim();
    return `${name} ${version} (${license})\n\n${text}\n`;
  }).join(`\n${'-'.repeat(78)}\n\n`);
}
