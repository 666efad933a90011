/**
 * A group's name and XAUTH, for old gateways that want nothing better: out of sight until asked for, and nothing of it is used
 * without a tick. Nothing is kept, and choosing another gateway empties it: a tick is meant for one.
 */
import type { ComponentChildren, RefObject, VNode } from 'preact';
import { describedBy, FieldError, TextField } from './text-field.tsx';
import type { SignInErrors } from './validation.ts';
import { GROUPS, type WeakRefs } from './weak-refs.ts';

export interface WeakFieldsProps {
  readonly refs: WeakRefs;
  readonly errors: SignInErrors;
  readonly usesKey: boolean;
  readonly locked: boolean;
}

export function WeakFields({ refs, errors, usesKey, locked }: WeakFieldsProps): VNode {
  return (
    <details class="advanced">
      <summary>Group name and XAUTH</summary>
      <div hidden={usesKey}>
        <TextField
          id="group-name"
          label="Group name"
          type="text"
          autocomplete="off"
          inputRef={refs.groupName}
          error={errors.groupName}
          readOnly={locked}
          hint="Makes the key exchange use aggressive mode, which some old gateways insist on. It is weak: leave this empty unless the gateway’s operator gave you a group name."
        />
        <div class="field">
          <label for="aggressive-group">Key exchange group</label>
          <select
            id="aggressive-group"
            ref={refs.group}
            disabled={locked}
            aria-describedby="aggressive-group-hint"
          >
            {GROUPS.map(([group, text]) => (
              <option key={group} value={group}>
                {text}
              </option>
            ))}
          </select>
          <p class="hint" id="aggressive-group-hint">
            Only used with a group name. Aggressive mode cannot negotiate it: it has to be the
            gateway’s.
          </p>
        </div>
        <Consent
          id="group-consent"
          label="Use aggressive mode all the same"
          inputRef={refs.groupConsent}
          error={errors.groupConsent}
          locked={locked}
        >
          Whoever reads along, the relay included, or poses as the gateway gets something against
          which guesses of the pre-shared key can be tried at leisure. A short key does not stand
          that.
        </Consent>
      </div>
      <TextField
        id="xauth-name"
        label="XAUTH user name"
        type="text"
        autocomplete="off"
        inputRef={refs.xauthName}
        error={errors.xauthName}
        readOnly={locked}
        hint="For a gateway that asks for a user name and a password already while keys are agreed on, besides the ones above."
      />
      <TextField
        id="xauth-password"
        label="XAUTH password"
        type="password"
        autocomplete="off"
        inputRef={refs.xauthPassword}
        error={errors.xauthPassword}
        readOnly={locked}
      />
      <Consent
        id="xauth-consent"
        label="Hand over the XAUTH password all the same"
        inputRef={refs.xauthConsent}
        error={errors.xauthConsent}
        locked={locked}
      >
        The password itself is handed to the gateway, and so to whoever knows the pre-shared key and
        poses as the gateway.
      </Consent>
    </details>
  );
}

interface ConsentProps {
  readonly id: string;
  readonly label: string;
  readonly inputRef: RefObject<HTMLInputElement>;
  readonly error: string | undefined;
  readonly locked: boolean;
  /** What is consented to. */
  readonly children: ComponentChildren;
}

function Consent({ id, label, inputRef, error, locked, children }: ConsentProps): VNode {
  return (
    <div class="field">
      <label>
        <input
          type="checkbox"
          class="choice"
          ref={inputRef}
          disabled={locked}
          aria-invalid={error === undefined ? undefined : 'true'}
          aria-describedby={describedBy(id, error, children)}
        />
        {label}
      </label>
      <FieldError id={id} error={error} />
      <p class="hint" id={`${id}-hint`}>
        {children}
      </p>
    </div>
  );
}
