/** What there is behind the gateway, where it says so: one press opens it. */
import type { VNode } from 'preact';
import type { Portal } from './portal.ts';

export function StartPage({ portal }: { readonly portal: Portal }): VNode | null {
  const { bookmarks } = portal;
  if (bookmarks.length === 0) return null;
  return (
    <section class="card start-page" aria-labelledby="start-page-title">
      <h3 id="start-page-title">What is here</h3>
      <ul class="bookmarks">
        {bookmarks.map(({ title, url, description }) => (
          <li key={url}>
            <button type="button" class="secondary" onClick={() => portal.open(url)}>
              {title}
            </button>
            <p>
              {description} <code>{url}</code>
            </p>
          </li>
        ))}
      </ul>
    </section>
  );
}
