/**
 * Signing in with a certificate or a bare key: files picked or dropped, and what goes with them. The files are handed to the worker as
 * they are; this page does not read them.
 */
import { useSignal } from '@preact/signals';
import type { RefObject, VNode } from 'preact';
import { KeyMaker } from './key-maker.tsx';
import type { Portal } from './portal.ts';
import { describedBy, FieldError, TextField } from './text-field.tsx';

/** Most files that are taken. */
const FILES_LIMIT = 16;

export interface KeyFieldRefs {
  readonly passphrase: RefObject<HTMLInputElement>;
  readonly gatewayName: RefObject<HTMLInputElement>;
  readonly identity: RefObject<HTMLInputElement>;
}

export interface KeyFieldsProps {
  readonly files: readonly File[];
  readonly setFiles: (files: readonly File[]) => void;
  readonly filesRef: RefObject<HTMLInputElement>;
  readonly refs: KeyFieldRefs;
  readonly requireListRef: RefObject<HTMLInputElement>;
  readonly error: string | undefined;
  readonly locked: boolean;
  readonly portal: Portal;
}

export function KeyFields({
  files,
  setFiles,
  filesRef,
  refs,
  requireListRef,
  error,
  locked,
  portal,
}: KeyFieldsProps): VNode {
  return (
    <>
      <FileField
        files={files}
        setFiles={setFiles}
        inputRef={filesRef}
        error={error}
        locked={locked}
      />
      <TextField
        id="passphrase"
        label="Passphrase of the file"
        type="password"
        autocomplete="off"
        inputRef={refs.passphrase}
        error={undefined}
        readOnly={locked}
        hint="Empty where no file is encrypted. Files and passphrase stay in this tab, and are gone with it."
      />
      <TextField
        id="gateway-name"
        label="Name in the gateway’s certificate"
        type="text"
        autocomplete="off"
        inputRef={refs.gatewayName}
        error={undefined}
        readOnly={locked}
        placeholder="vpn.example.org"
        hint="As the gateway’s operator told you. Without it you compare the certificate yourself, once."
      />
      <div class="field">
        <label class="choice-label">
          <input
            ref={requireListRef}
            type="checkbox"
            class="choice"
            disabled={locked}
            aria-describedby="require-list-hint"
          />
          Refuse it unless a revocation list covers it
        </label>
        <p class="hint" id="require-list-hint">
          The list (CRL) is one of your files: a tab cannot fetch it from where the authority
          publishes it.
        </p>
      </div>
      <TextField
        id="identity"
        label="Your identity"
        type="text"
        autocomplete="off"
        inputRef={refs.identity}
        error={undefined}
        readOnly={locked}
        placeholder="you@example.org"
        hint="Only for a key without a certificate: what the gateway knows it by."
      />
      <KeyMaker
        portal={portal}
        files={files}
        add={(file) => setFiles([...files, file])}
        passphrase={() => refs.passphrase.current?.value ?? ''}
        locked={locked}
      />
    </>
  );
}

interface FileFieldProps
  extends Omit<KeyFieldsProps, 'refs' | 'filesRef' | 'requireListRef' | 'portal'> {
  readonly inputRef: RefObject<HTMLInputElement>;
}

function FileField({ files, setFiles, inputRef, error, locked }: FileFieldProps): VNode {
  const over = useSignal(false);
  const id = 'key-files';

  function add(list: FileList | null | undefined): void {
    if (locked || list === null || list === undefined) return;
    setFiles([...files, ...list].slice(-FILES_LIMIT));
  }

  return (
    <div class="field">
      <label for={id}>Key and certificate files</label>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: dropping is a second way to what the input within does. */}
      <div
        class={over.value ? 'drop-zone is-over' : 'drop-zone'}
        onDragOver={(event) => {
          event.preventDefault();
          over.value = !locked;
        }}
        onDragLeave={() => {
          over.value = false;
        }}
        onDrop={(event) => {
          event.preventDefault();
          over.value = false;
          add(event.dataTransfer?.files);
        }}
      >
        <input
          id={id}
          ref={inputRef}
          type="file"
          multiple
          disabled={locked}
          accept=".p12,.pfx,.pem,.key,.crt,.cer,.crl,.pub,.der"
          aria-invalid={error === undefined ? undefined : 'true'}
          aria-describedby={describedBy(id, error, true)}
          onChange={({ currentTarget }) => {
            add(currentTarget.files);
            // The same file may be picked again after it was taken off the list.
            currentTarget.value = '';
          }}
        />
        <p class="hint" id={`${id}-hint`}>
          PKCS#12 (.p12, .pfx) or PEM: your key and certificate, and the certificate of the
          gateway’s authority (CA); files can also be dropped here.
        </p>
        {files.length > 0 && (
          <ul aria-label="Files chosen">
            {files.map((file) => (
              <li key={file}>
                <span>{file.name}</span>
                <button
                  type="button"
                  class="secondary small"
                  aria-label={`Leave out ${file.name}`}
                  onClick={() => !locked && setFiles(files.filter((each) => each !== file))}
                >
                  Leave out
                </button>
              </li>
            ))}
          </ul>
        )}
      </div>
      <FieldError id={id} error={error} />
    </div>
  );
}
