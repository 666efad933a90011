/** The only way out of the tab for what was recorded, and what that means. */
import type { VNode } from 'preact';
import { download } from '../download.ts';
import type { Inspection } from './inspection.ts';

export function Downloads({ inspection }: { readonly inspection: Inspection }): VNode {
  const { packets = 0, keys = 0 } = inspection.state.value ?? {};
  return (
    <section class="packet-downloads" aria-labelledby="downloads-title">
      <h3 id="downloads-title">Take it with you</h3>
      <p>
        The capture is a file for Wireshark: packets as on the wire and, beside them, decrypted. The
        keys let Wireshark decrypt the former by itself.{' '}
        <strong>Either holds what the tunnel keeps secret</strong>, passwords in it too: give them
        to nobody who may not read everything.
      </p>
      <div class="packet-buttons">
        <button
          type="button"
          aria-disabled={packets === 0}
          onClick={async () => {
            const file = packets === 0 ? undefined : await inspection.capture();
            if (file !== undefined) download(file, 'culvert.pcapng');
          }}
        >
          Download capture (decrypted)
        </button>
        <button
          class="secondary"
          type="button"
          aria-disabled={keys === 0}
          onClick={async () => {
            const text = keys === 0 ? undefined : await inspection.keyTables();
            if (text !== undefined) download(text, 'culvert-keys.txt');
          }}
        >
          Download keys
        </button>
      </div>
      {packets > 0 && keys === 0 && (
        <p class="muted">
          There are no keys here: none were agreed on since recording began. Record from before
          connecting to have them.
        </p>
      )}
    </section>
  );
}
