/** How the tunnel is doing: the way it takes, the status line, the steps, and what was agreed on. */
import type { VNode } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { STAGES, type Stage } from '../worker/api.ts';
import { CertificateNote } from './certificate-note.tsx';
import { FailureNote } from './failure-note.tsx';
import { PapQuestion } from './pap-consent.tsx';
import { PathDiagram } from './path-diagram.tsx';
import type { Portal } from './portal.ts';
import { SessionDetails } from './session-details.tsx';
import { StepList } from './step-list.tsx';
import { statusText, type View } from './view.ts';

export function ConnectionPanel({ portal }: { readonly portal: Portal }): VNode {
  const view = portal.view.value;
  const { wanted } = portal;
  const { title, note } = statusText(view);
  const failure = view.kind === 'ready' ? view.failure : undefined;
  const panel = useRef<HTMLElement>(null);
  useEffect(() => {
    // On a narrow screen what happens next, and what went wrong, would be below the fold.
    if (view.kind === 'connecting' || failure !== undefined) {
      panel.current?.scrollIntoView({ block: 'nearest' });
    }
  }, [view.kind, failure]);
  return (
    <section
      ref={panel}
      class={`card connection is-${view.kind}`}
      aria-labelledby="connection-title"
    >
      <h2 id="connection-title">Connection</h2>
      <PathDiagram view={view} />
      <div class="status" role="status" aria-live="polite" aria-atomic="true">
        <strong>{title}</strong> <span>{note}</span>
      </div>
      {failure !== undefined && (
        <FailureNote failure={failure} role="alert">
          {wanted !== undefined && <PapQuestion portal={portal} wanted={wanted} />}
          {failure.certificate !== undefined && (
            <CertificateNote
              portal={portal}
              certificate={failure.certificate}
              acceptable={failure.wants === 'certificate'}
            />
          )}
        </FailureNote>
      )}
      {view.kind === 'connected' ? (
        <SessionDetails session={view.session} />
      ) : (
        <StepList at={stageOf(view)} failed={failure !== undefined} />
      )}
    </section>
  );
}

function stageOf(view: View): Stage | undefined {
  if (view.kind === 'connecting') return view.stage;
  const where = view.kind === 'ready' && view.failure !== undefined ? view.where : undefined;
  return STAGES.find((stage) => stage === where);
}
