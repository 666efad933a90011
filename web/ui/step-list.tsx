/** The steps of connecting: which are done, which one is under way, where it failed. */
import type { VNode } from 'preact';
import type { Stage } from '../worker/api.ts';
import { CheckIcon, CrossIcon } from './icons.tsx';
import { type StepState, steps } from './stages.ts';

const SPOKEN: Readonly<Record<StepState, string>> = {
  waiting: '',
  current: ' (under way)',
  done: ' (done)',
  failed: ' (failed here)',
};

export interface StepListProps {
  readonly at: Stage | undefined;
  readonly failed: boolean;
}

export function StepList({ at, failed }: StepListProps): VNode {
  return (
    <ol class="steps">
      {steps(at, failed).map((step) => (
        <li
          key={step.stage}
          class={`is-${step.state}`}
          aria-current={step.state === 'current' ? 'step' : undefined}
        >
          <span class="step-mark">
            {step.state === 'done' && <CheckIcon />}
            {step.state === 'failed' && <CrossIcon />}
          </span>
          <span class="step-label">
            {step.label}
            <span class="visually-hidden">{SPOKEN[step.state]}</span>
          </span>
          <span class="step-term">{step.term}</span>
        </li>
      ))}
    </ol>
  );
}
