/** The page where there can be no portal: what is missing, and what to do about it. */
import type { VNode } from 'preact';
import type { Failure } from '../../shared/errors.ts';
import { FailureNote } from './failure-note.tsx';
import { Wordmark } from './icons.tsx';

export function CannotStart({ failure }: { readonly failure: Failure }): VNode {
  return (
    <>
      <header class="masthead">
        <h1>
          <Wordmark />
        </h1>
      </header>
      <main>
        <FailureNote failure={failure} role="alert" />
      </main>
    </>
  );
}
