/** Searching bytes for a text in the forms in which programs write it. */

export interface Find {
  readonly form: string;
  readonly at: number;
}

/** Where `secret` is in `bytes`: raw, UTF-16LE, hex in both cases, base64 and base64url at any offset. */
export function findSecret(bytes: Buffer, secret: Buffer | string): Find[] {
  return forms(secret).flatMap(({ form, needle }) => {
    const at = bytes.indexOf(needle);
    return at < 0 ? [] : [{ form, at }];
  });
}

function forms(secret: Buffer | string): { form: string; needle: Buffer }[] {
  const raws =
    typeof secret === 'string'
      ? { raw: Buffer.from(secret, 'utf8'), 'UTF-16LE': Buffer.from(secret, 'utf16le') }
      : { raw: secret };
  return Object.entries(raws).flatMap(([name, raw]) => {
    const hex = raw.toString('hex');
    const text = [hex, hex.toUpperCase(), ...base64Forms(raw)];
    return [
      { form: name, needle: raw },
      ...text.map((encoded) => ({
        form: `${name}, as “${encoded}”`,
        needle: Buffer.from(encoded, 'latin1'),
      })),
    ];
  });
}

/** The part of the encoding that does not depend on the bytes before and after, for each alignment. */
function base64Forms(raw: Buffer): string[] {
  return [0, 1, 2].flatMap((offset) => {
    const padded = Buffer.concat([Buffer.alloc(offset), raw]);
    const from = Math.ceil((offset * 8) / 6);
    const to = Math.floor((padded.length * 8) / 6);
    return (['base64', 'base64url'] as const).map((encoding) =>
      padded.toString(encoding).slice(from, to),
    );
  });
}
