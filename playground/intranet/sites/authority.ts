/** `ca`: the certificate of the intranet's authority, for who wants to trust it. */
import type { Certificates } from '../certificates.ts';
import { DOMAIN, HOSTS, type HostEntry, hostName } from '../hosts.ts';
import { html } from '../web/html.ts';
import { page } from '../web/page.ts';
import { type Answer, notFound, type Site, type Visit } from '../web/site.ts';

export class Authority implements Site {
  readonly host: HostEntry = HOSTS.authority;
  readonly title = 'Certificate authority';
  readonly #certificates: Certificates;

  constructor(certificates: Certificates) {
    this.#certificates = certificates;
  }

  answer(visit: Visit): Answer {
    const { authority, fingerprint } = this.#certificates;
    if (visit.url.pathname === '/ca.crt') {
      return {
        headers: {
          'Content-Type': 'application/x-x509-ca-cert',
          'Content-Disposition': 'attachment; filename="intranet-test-ca.crt"',
        },
        body: authority,
      };
    }
    if (visit.url.pathname !== '/') throw notFound();
    return page(
      this,
      visit,
      'Certificate authority',
      html`<h1>The authority of this network</h1>
<p>Every web site here answers to <code>https://</code> as well. Their certificate is signed by an authority that no browser
knows: it was made when this network started, and its key is gone when the network stops. So a client refuses it, as it should,
until you tell the client to trust the authority.</p>
<p><a href="/ca.crt">Download the authority’s certificate</a></p>
<h2>Fingerprint (SHA-256)</h2>
<pre>${fingerprint.replace(/^(.{47}):/, '$1\n')}</pre>
<h2>Before you trust it</h2>
<p>The certificate is limited to names that end in <code>${DOMAIN}</code>, and to 90 days. Remove it again
when you are done; after the next start there is another one. You got this page over <code>http://</code>, protected by the tunnel alone:
compare the fingerprint with what <code>https://${hostName(this.host)}/</code> shows if you want to be sure that both are the same.</p>`,
    );
  }
}
