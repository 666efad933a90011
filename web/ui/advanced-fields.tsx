/** What only few gateways need, out of sight until it is asked for. It is remembered for the gateway that is chosen. */
import type { ComponentChildren, VNode } from 'preact';
import type { EspSettings } from '../worker/api.ts';

export interface AdvancedFieldsProps {
  readonly settings: EspSettings;
  readonly locked: boolean;
  readonly change: (change: Partial<EspSettings>) => void;
}

export function AdvancedFields({ settings, locked, change }: AdvancedFieldsProps): VNode {
  const changed = settings.truncatedSha256 || settings.extendedSequenceNumbers;
  return (
    <details class="advanced">
      <summary>Advanced{changed && <span class="muted"> (in use)</span>}</summary>
      <Switch
        id="truncated-sha256"
        label="Short check of SHA-256 (96 bits)"
        checked={settings.truncatedSha256}
        locked={locked}
        change={(truncatedSha256) => change({ truncatedSha256 })}
      >
        Some old gateways (Linux before 2.6.33, old Android and Juniper) cut HMAC-SHA-256 to 96 bits
        instead of 128, and cannot say so: everything is agreed on, and then they do not answer.
        Every other gateway does not answer while this is on.
      </Switch>
      <Switch
        id="extended-sequence-numbers"
        label="64-bit packet numbers (ESN)"
        checked={settings.extendedSequenceNumbers}
        locked={locked}
        change={(extendedSequenceNumbers) => change({ extendedSequenceNumbers })}
      >
        For a gateway that insists on extended sequence numbers. One that does not know them will
        refuse.
      </Switch>
    </details>
  );
}

interface SwitchProps {
  readonly id: string;
  readonly label: string;
  readonly checked: boolean;
  readonly locked: boolean;
  readonly change: (checked: boolean) => void;
  readonly children: ComponentChildren;
}

function Switch({ id, label, checked, locked, change, children }: SwitchProps): VNode {
  return (
    <div class="field">
      <label>
        <input
          type="checkbox"
          class="choice"
          checked={checked}
          disabled={locked}
          aria-describedby={`${id}-hint`}
          onChange={(event) => change(event.currentTarget.checked)}
        />
        {label}
      </label>
      <p class="hint" id={`${id}-hint`}>
        {children}
      </p>
    </div>
  );
}
