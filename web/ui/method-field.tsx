/** The choice of what proves who one is to the gateway. */
import type { VNode } from 'preact';

export type Method = 'pre-shared-key' | 'key';

export interface MethodFieldProps {
  readonly method: Method;
  readonly locked: boolean;
  readonly choose: (method: Method) => void;
}

export function MethodField({ method, locked, choose }: MethodFieldProps): VNode {
  const option = (value: Method, label: string): VNode => (
    <label>
      <input
        type="radio"
        class="choice"
        name="method"
        value={value}
        checked={method === value}
        disabled={locked}
        onChange={() => choose(value)}
      />
      {label}
    </label>
  );
  return (
    <fieldset class="method">
      <legend>Prove who you are with</legend>
      {option('pre-shared-key', 'a pre-shared key')}
      {option('key', 'a certificate or key file')}
    </fieldset>
  );
}
