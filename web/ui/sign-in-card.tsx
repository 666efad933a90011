/**
 * The sign-in card. What is typed lives in the fields themselves and nowhere else: the fields stay in the
 * page, out of sight, while a tunnel stands, so that connecting again does not mean typing again.
 */
import { useSignal } from '@preact/signals';
import type { RefObject, TargetedEvent, TargetedMouseEvent, VNode } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { AdvancedFields } from './advanced-fields.tsx';
import { AcceptedList } from './certificate-note.tsx';
import { GatewayField } from './gateway-field.tsx';
import { KeyFields } from './key-fields.tsx';
import { type Method, MethodField } from './method-field.tsx';
import { PapConsents } from './pap-consent.tsx';
import type { Portal } from './portal.ts';
import { readFields, type SignInFields, useFiller } from './sign-in-fields.ts';
import { TextField } from './text-field.tsx';
import { type KeyForm, SIGN_IN_FIELDS, type SignInErrors, signInErrors } from './validation.ts';
import type { View } from './view.ts';
import { WeakFields } from './weak-fields.tsx';
import { forgetWeak, readWeak, useWeakRefs } from './weak-refs.ts';

const BUTTON: Readonly<Record<View['kind'], string>> = {
  ready: 'Connect',
  connecting: 'Cancel',
  connected: 'Disconnect',
  disconnecting: 'Disconnecting…',
};

export function SignInCard({ portal }: { readonly portal: Portal }): VNode {
  const view = portal.view.value;
  const errors = useSignal<SignInErrors>({});
  const keyShown = useSignal(false);
  const forgotten = useSignal(false);
  /** `Connect` was pressed before the playground's account was there. */
  const early = useSignal(false);
  const method = useSignal<Method>('pre-shared-key');
  const files = useSignal<readonly File[]>([]);
  const button = useRef<HTMLButtonElement>(null);
  const formRef = useRef<HTMLFormElement>(null);
  const weakRefs = useWeakRefs();
  const fields: SignInFields = {
    ...weakRefs,
    gateway: useRef<HTMLSelectElement>(null),
    preSharedKey: useRef<HTMLInputElement>(null),
    files: useRef<HTMLInputElement>(null),
    userName: useRef<HTMLInputElement>(null),
    password: useRef<HTMLInputElement>(null),
  };
  const keyFields = {
    passphrase: useRef<HTMLInputElement>(null),
    gatewayName: useRef<HTMLInputElement>(null),
    identity: useRef<HTMLInputElement>(null),
  };
  const requireList = useRef<HTMLInputElement>(null);
  const ready = view.kind === 'ready';
  const connected = view.kind === 'connected';
  const { chosen, changed } = useFiller(portal, fields);
  const playful = chosen.value !== '' && chosen.value === portal.playground;
  const usesKey = method.value === 'key' && !playful;
  const awaited = playful && portal.visitPending;
  useFocusFollows(connected, button);
  useEffect(() => {
    if (!early.value || awaited) return;
    early.value = false;
    formRef.current?.requestSubmit();
  }, [awaited]);

  function submit(event: TargetedEvent<HTMLFormElement>): void {
    event.preventDefault();
    if (!ready) return;
    const form = {
      ...readFields(fields),
      ...(usesKey && { keys: keyForm() }),
      ...(!playful && { weak: readWeak(weakRefs, usesKey) }),
    };
    early.value = awaited && form.userName === '';
    if (early.value) return;
    errors.value = signInErrors(form);
    const wrong = SIGN_IN_FIELDS.filter((field) => errors.value[field] !== undefined);
    for (const field of wrong) fields[field].current?.closest('details')?.setAttribute('open', '');
    const first = wrong[0];
    if (first !== undefined) {
      fields[first].current?.focus();
      return;
    }
    keyShown.value = false;
    forgotten.value = false;
    portal.connect(form);
  }

  function keyForm(): KeyForm {
    const value = (field: keyof typeof keyFields): string => keyFields[field].current?.value ?? '';
    return {
      files: files.value,
      passphrase: value('passphrase'),
      gatewayName: value('gatewayName'),
      identity: value('identity'),
      requireRevocationList: requireList.current?.checked ?? false,
    };
  }

  function choose(chosenMethod: Method): void {
    method.value = chosenMethod;
    errors.value = {};
  }

  function setFiles(picked: readonly File[]): void {
    files.value = picked;
    const { files: _settled, ...rest } = errors.value;
    errors.value = rest;
  }

  /** Whoever sits down next finds the gateway and the user name, and no secret. */
  function forget(): void {
    files.value = [];
    for (const field of [fields.preSharedKey, keyFields.passphrase, fields.password]) {
      if (field.current !== null) field.current.value = '';
    }
    forgetWeak(weakRefs);
    keyShown.value = false;
    forgotten.value = true;
  }

  function press(event: TargetedMouseEvent<HTMLButtonElement>): void {
    if (ready) return;
    // The button may be `Connect` again before its default action is due.
    event.preventDefault();
    // The second half of a double click on `Connect` is not meant for `Cancel`.
    if (event.detail > 1) return;
    if (view.kind === 'connecting' || connected) portal.disconnect();
  }

  /** A complaint goes away as soon as its field is touched. */
  function touched(event: TargetedEvent<HTMLFormElement>): void {
    forgotten.value = false;
    early.value = false;
    if (event.target === fields.gateway.current) {
      changed();
      errors.value = withoutWeak(errors.value);
    }
    const field = SIGN_IN_FIELDS.find((name) => fields[name].current === event.target);
    if (field === undefined || errors.value[field] === undefined) return;
    const { [field]: _settled, ...rest } = errors.value;
    errors.value = rest;
  }

  return (
    <section class="card sign-in" aria-labelledby="sign-in-title">
      <h2 id="sign-in-title">{connected ? 'Signed in' : 'Sign in'}</h2>
      <form ref={formRef} method="post" noValidate onSubmit={submit} onInput={touched}>
        <div class="fields" hidden={connected}>
          <GatewayField
            list={portal.gateways.value}
            selectRef={fields.gateway}
            error={errors.value.gateway}
            locked={!ready}
            retry={() => void portal.reloadGateways()}
          />
          {!playful && <MethodField method={method.value} locked={!ready} choose={choose} />}
          <div class="fields" hidden={!usesKey}>
            <KeyFields
              portal={portal}
              files={files.value}
              setFiles={setFiles}
              filesRef={fields.files}
              refs={keyFields}
              requireListRef={requireList}
              error={errors.value.files}
              locked={!ready}
            />
          </div>
          <div class="fields" hidden={usesKey}>
            <TextField
              id="pre-shared-key"
              label="Pre-shared key"
              type={keyShown.value ? 'text' : 'password'}
              autocomplete="off"
              inputRef={fields.preSharedKey}
              error={errors.value.preSharedKey}
              readOnly={!ready}
              action={
                <button
                  type="button"
                  class="quiet"
                  aria-label={keyShown.value ? 'Hide key' : 'Show key'}
                  onClick={() => {
                    keyShown.value = !keyShown.value;
                  }}
                >
                  {keyShown.value ? 'Hide' : 'Show'}
                </button>
              }
              hint="Key and password stay in this tab; the relay never sees them. But whoever runs the relay can try guesses against a short key, and anyone who knows a key that many share can pose as the gateway."
            />
          </div>
          <TextField
            id="user-name"
            label="User name"
            type="text"
            autocomplete="username"
            inputRef={fields.userName}
            error={errors.value.userName}
            readOnly={!ready}
          />
          <TextField
            id="password"
            label="Password"
            type="password"
            autocomplete="current-password"
            inputRef={fields.password}
            error={errors.value.password}
            readOnly={!ready}
          />
          {chosen.value !== '' && !playful && (
            <AdvancedFields
              settings={portal.espSettings.of(portal.keyOf(chosen.value))}
              locked={!ready}
              change={(change) => portal.espSettings.change(portal.keyOf(chosen.value), change)}
            />
          )}
          {chosen.value !== '' && !playful && (
            <WeakFields
              key={chosen.value}
              refs={weakRefs}
              errors={errors.value}
              usesKey={usesKey}
              locked={!ready}
            />
          )}
        </div>
        {connected && (
          <p class="signed-in">
            to <strong>{view.session.gateway.name}</strong>
            {fields.userName.current !== null && (
              <>
                {' '}
                as <strong>{fields.userName.current.value}</strong>
              </>
            )}
          </p>
        )}
        <button
          ref={button}
          class={ready ? 'primary' : 'secondary'}
          type={ready ? 'submit' : 'button'}
          aria-disabled={view.kind === 'disconnecting' ? 'true' : undefined}
          onClick={press}
        >
          {early.value && 'Making an account…'}
          {!early.value && (ready && playful ? 'Connect to the playground' : BUTTON[view.kind])}
        </button>
        {ready && !playful && (
          <button type="button" class="secondary small" onClick={forget}>
            Forget key and password
          </button>
        )}
        <p class="forgotten" aria-live="polite">
          {forgotten.value && 'Key and password are forgotten.'}
        </p>
      </form>
      <PapConsents portal={portal} />
      <AcceptedList portal={portal} />
    </section>
  );
}

/** The fields that another gateway empties have nothing wrong with them any more. */
function withoutWeak(errors: SignInErrors): SignInErrors {
  const {
    groupName: _name,
    groupConsent: _consent,
    xauthName: _user,
    xauthPassword: _password,
    xauthConsent: _tick,
    ...rest
  } = errors;
  return rest;
}

/** Who was in a field when the fields went out of sight goes on from the button. */
function useFocusFollows(connected: boolean, button: RefObject<HTMLButtonElement>): void {
  useEffect(() => {
    const active = document.activeElement;
    const lost = active === document.body || active?.closest('[hidden]') !== null;
    if (connected && lost) button.current?.focus();
  }, [connected, button]);
}
