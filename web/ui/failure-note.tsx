/** A failure in plain words: what happened, probably why, what to try, and the code to quote. */
import type { ComponentChildren, VNode } from 'preact';
import { DETAIL_LIMIT, errorText, type Failure, plainText } from '../../shared/errors.ts';
import { AlertIcon } from './icons.tsx';

export interface FailureNoteProps {
  readonly failure: Failure;
  /** `alert` interrupts a screen reader; without it the region around the note announces it. */
  readonly role?: 'alert';
  /** What can be done about it here, e.g. a button. */
  readonly children?: ComponentChildren;
}

export function FailureNote({ failure, role, children }: FailureNoteProps): VNode {
  const { title, cause, advice } = errorText(failure.code);
  return (
    <div class="failure" role={role}>
      <AlertIcon />
      <div>
        <p class="failure-title">{title}</p>
        <p>{cause}</p>
        <p>{advice}</p>
        {failure.detail !== undefined && (
          <p class="failure-detail">
            <span>Detail:</span> {plainText(failure.detail, DETAIL_LIMIT)}
          </p>
        )}
        <p class="failure-code">
          <code>{failure.code}</code>
        </p>
        {children}
      </div>
    </div>
  );
}
