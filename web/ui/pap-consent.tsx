/** Consent to PAP: asked for in plain words where a gateway insists on it, listed, and taken back. */
import type { VNode } from 'preact';
import type { Portal } from './portal.ts';
import type { GatewayKey } from './stored-list.ts';

/** Stands below a failure that only PAP would have avoided. */
export function PapQuestion(props: {
  readonly portal: Portal;
  readonly wanted: GatewayKey;
}): VNode {
  const { portal, wanted } = props;
  const name = portal.nameOf(wanted);
  if (portal.consents.has(wanted)) {
    return (
      <p>
        <strong>PAP is now allowed for {name}.</strong> Press Connect to sign in with it. You can
        take this back below the sign-in form.
      </p>
    );
  }
  return (
    <>
      <p>
        <strong>What the gateway asks for is PAP:</strong> it is handed the password itself, and so
        is anyone who knows the pre-shared key and poses as the gateway. The relay, which sits on
        the way, could. Allow it only if the gateway’s operator told you that it has nothing better.
      </p>
      <button type="button" class="secondary" onClick={() => portal.consents.put(wanted)}>
        Allow PAP for this gateway
      </button>
    </>
  );
}

/** What has been allowed; nothing while nothing has. */
export function PapConsents({ portal }: { readonly portal: Portal }): VNode | null {
  const consents = portal.consents.list.value;
  if (consents.length === 0) return null;
  return (
    <section class="consents" aria-labelledby="consents-title">
      <h3 id="consents-title">Allowed to ask for the password itself (PAP)</h3>
      <ul>
        {consents.map((consent) => {
          const name = portal.nameOf(consent);
          return (
            <li key={`${consent.relay} ${consent.gateway}`}>
              <span>{name}</span>
              <button
                type="button"
                class="secondary small"
                aria-label={`Revoke for ${name}`}
                onClick={() => portal.consents.remove(consent)}
              >
                Revoke
              </button>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
