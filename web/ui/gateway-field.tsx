/** The choice of gateway, or the plain reason why there is none. */
import type { RefObject, VNode } from 'preact';
import { FailureNote } from './failure-note.tsx';
import type { GatewayList } from './gateways.ts';
import { describedBy, FieldError } from './text-field.tsx';

export interface GatewayFieldProps {
  readonly list: GatewayList;
  readonly selectRef: RefObject<HTMLSelectElement>;
  readonly error: string | undefined;
  readonly locked: boolean;
  readonly retry: () => void;
}

export function GatewayField({ list, selectRef, error, locked, retry }: GatewayFieldProps): VNode {
  const gateways = list.kind === 'loaded' ? list.gateways : [];
  return (
    <div class="field">
      <label for="gateway">Gateway</label>
      <select
        id="gateway"
        name="gateway"
        ref={selectRef}
        autocomplete="off"
        disabled={locked}
        aria-invalid={error === undefined ? undefined : 'true'}
        aria-describedby={describedBy('gateway', error)}
      >
        {gateways.length !== 1 && <option value="">{emptyOption(list)}</option>}
        {gateways.map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </select>
      <FieldError id="gateway" error={error} />
      {list.kind === 'loaded' && gateways.length === 0 && (
        <div class="notice">
          <p>
            <strong>No gateway is configured yet.</strong> The operator of this relay adds one under{' '}
            <code>gateways</code> in the relay’s configuration file and restarts the relay.
          </p>
          <button type="button" class="secondary" onClick={retry}>
            Look again
          </button>
        </div>
      )}
      {list.kind === 'failed' && (
        <FailureNote failure={list.failure} role="alert">
          <button type="button" class="secondary" onClick={retry}>
            Retry
          </button>
        </FailureNote>
      )}
    </div>
  );
}

function emptyOption(list: GatewayList): string {
  switch (list.kind) {
    case 'loading':
      return 'Asking the relay…';
    case 'failed':
      return 'Not available';
    case 'loaded':
      return list.gateways.length === 0 ? 'None configured' : 'Choose…';
  }
}
