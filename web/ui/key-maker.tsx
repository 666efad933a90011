/** Bare keys: made here, and the public half shown as the gateway's operator needs it. */
import { useSignal } from '@preact/signals';
import type { VNode } from 'preact';
import type { Failure } from '../../shared/errors.ts';
import type { KeyKind, Outcome, PublicHalf } from '../worker/api.ts';
import { download } from './download.ts';
import { FailureNote } from './failure-note.tsx';
import type { Portal } from './portal.ts';

const KINDS: readonly KeyKind[] = ['ECDSA-256', 'RSA-3072'];

export interface KeyMakerProps {
  readonly portal: Portal;
  readonly files: readonly File[];
  /** Takes the key that was made. */
  readonly add: (file: File) => void;
  readonly passphrase: () => string;
  readonly locked: boolean;
}

export function KeyMaker({ portal, files, add, passphrase, locked }: KeyMakerProps): VNode {
  const shown = useSignal<PublicHalf | undefined>(undefined);
  const failure = useSignal<Failure | undefined>(undefined);
  const busy = useSignal(false);

  async function run<T extends PublicHalf>(work: Promise<Outcome<T>>): Promise<T | undefined> {
    busy.value = true;
    shown.value = undefined;
    const outcome = await work;
    busy.value = false;
    failure.value = outcome.ok ? undefined : outcome.failure;
    if (!outcome.ok) return undefined;
    shown.value = outcome.value;
    return outcome.value;
  }

  async function make(kind: KeyKind): Promise<void> {
    if (locked || busy.value) return;
    const made = await run(portal.makeKey(kind));
    if (made === undefined) return;
    add(made.file);
    download(made.file, made.file.name);
  }

  return (
    <details class="key-maker">
      <summary>A key without a certificate</summary>
      <p class="hint">
        A key that is made here is saved as a file and kept nowhere else: you need that file every
        time. Give the gateway’s operator the public half, and add the gateway’s own public key
        (.pub or .pem) to the files above.
      </p>
      <div class="actions">
        {KINDS.map((kind) => (
          <button type="button" class="secondary small" key={kind} onClick={() => void make(kind)}>
            Make an {kind} key
          </button>
        ))}
        <button
          type="button"
          class="secondary small"
          onClick={() => {
            if (!busy.value) void run(portal.publicHalf(files, passphrase()));
          }}
        >
          Show the public half
        </button>
      </div>
      <div aria-live="polite">
        {busy.value && <p class="hint">Working on it…</p>}
        {failure.value !== undefined && <FailureNote failure={failure.value} />}
        {shown.value !== undefined && <PublicHalfText half={shown.value} />}
      </div>
    </details>
  );
}

function PublicHalfText({ half }: { readonly half: PublicHalf }): VNode {
  return (
    <>
      <p>For strongSwan, as a file:</p>
      <pre>{half.pem}</pre>
      {half.rsaSigKey !== undefined && (
        <>
          <p>For Libreswan, behind rightrsasigkey=</p>
          <pre>{half.rsaSigKey}</pre>
        </>
      )}
    </>
  );
}
