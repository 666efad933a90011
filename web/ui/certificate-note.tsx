/** A gateway's certificate: shown with what is wrong with it, or to be compared and accepted. */
import type { VNode } from 'preact';
import { type CertificateSummary, DETAIL_LIMIT, plainText } from '../../shared/errors.ts';
import type { Portal } from './portal.ts';

export interface CertificateNoteProps {
  readonly portal: Portal;
  readonly certificate: CertificateSummary;
  /** Whether the user's word is all that is missing. */
  readonly acceptable: boolean;
}

/** Stands below a failure that shows a certificate. */
export function CertificateNote({ portal, certificate, acceptable }: CertificateNoteProps): VNode {
  const accepted = acceptable && portal.isAccepted(certificate);
  return (
    <>
      <CertificateDetails certificate={certificate} />
      {accepted && (
        <p>
          <strong>The certificate is now accepted.</strong> Press Connect to go on. You can take
          this back below the sign-in form.
        </p>
      )}
      {acceptable && !accepted && (
        <button type="button" class="secondary" onClick={() => portal.accept(certificate)}>
          Accept this certificate
        </button>
      )}
    </>
  );
}

function CertificateDetails({ certificate }: Pick<CertificateNoteProps, 'certificate'>): VNode {
  const { subject, issuer, names, notBefore, notAfter, key, fingerprint } = certificate;
  return (
    <dl class="certificate" aria-label="The gateway’s certificate">
      <dt>Made out to</dt>
      <dd>{plainText(subject)}</dd>
      <dt>Names</dt>
      <dd>{plainText(names.join(', '), DETAIL_LIMIT) || 'none'}</dd>
      <dt>Issued by</dt>
      <dd>{plainText(issuer)}</dd>
      <dt>Valid</dt>
      <dd>
        {new Date(notBefore).toLocaleDateString()} to {new Date(notAfter).toLocaleDateString()}
      </dd>
      <dt>Key</dt>
      <dd>{plainText(key)}</dd>
      <dt>Fingerprint (SHA-256)</dt>
      <dd>
        <code>{(fingerprint.match(/../g) ?? []).join(':')}</code>
      </dd>
    </dl>
  );
}

/** What has been accepted; nothing while nothing has. */
export function AcceptedList({ portal }: { readonly portal: Portal }): VNode | null {
  const accepted = portal.certificates.list.value;
  if (accepted.length === 0) return null;
  return (
    <section class="consents" aria-labelledby="accepted-title">
      <h3 id="accepted-title">Accepted certificates of gateways</h3>
      <ul>
        {accepted.map((entry) => {
          const name = portal.nameOf(entry);
          return (
            <li key={`${entry.relay} ${entry.gateway}`}>
              <span>
                {name} <code>{entry.fingerprint.slice(0, 16)}…</code>
              </span>
              <button
                type="button"
                class="secondary small"
                aria-label={`Forget the certificate of ${name}`}
                onClick={() => portal.certificates.remove(entry)}
              >
                Forget
              </button>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
