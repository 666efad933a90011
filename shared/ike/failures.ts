/** What a peer's error notifications mean for the person who waits. */
import type { Failure } from '../errors.ts';
import { NotifyType, notifyName } from '../isakmp/numbers.ts';
import type { SettledConfig } from './config.ts';
import { summarizePhase1 } from './phase1-transforms.ts';
import { summarizePhase2 } from './phase2-transforms.ts';

/** How far the exchange was. */
type FailureStage = 'proposal' | 'authentication' | 'quick-mode';

const PROPOSAL_NOTIFICATIONS: ReadonlySet<number> = new Set([
  NotifyType['ATTRIBUTES-NOT-SUPPORTED'],
  NotifyType['NO-PROPOSAL-CHOSEN'],
  NotifyType['BAD-PROPOSAL-SYNTAX'],
]);

/** Refusals that a wrong pre-shared key cannot explain: what follows from it is rubbish after decryption. */
const POLICY_NOTIFICATIONS: ReadonlySet<number> = new Set([
  NotifyType['INVALID-ID-INFORMATION'],
  NotifyType['UNSUPPORTED-EXCHANGE-TYPE'],
]);

/** The failure that an error notification at `stage` stands for. */
export function notificationFailure(
  config: SettledConfig,
  stage: FailureStage,
  notifyType: number,
): Failure {
  const answer = `the gateway answered ${notifyName(notifyType)}`;
  if (PROPOSAL_NOTIFICATIONS.has(notifyType)) {
    return { code: 'IKE_NO_PROPOSAL_CHOSEN', detail: `${offered(config, stage)}; ${answer}` };
  }
  if (stage === 'quick-mode') return { code: 'IKE_QUICK_MODE_FAILED', detail: answer };
  if (stage === 'authentication' && !POLICY_NOTIFICATIONS.has(notifyType)) {
    return { code: 'IKE_AUTHENTICATION_FAILED', detail: answer };
  }
  return { code: 'IKE_REFUSED', detail: answer };
}

/** A choice that was not in the offer. */
export function foreignChoice(config: SettledConfig, stage: FailureStage): Failure {
  const answer = 'the gateway chose something else';
  return { code: 'IKE_NO_PROPOSAL_CHOSEN', detail: `${offered(config, stage)}; ${answer}` };
}

function offered({ phase1, phase2 }: SettledConfig, stage: FailureStage): string {
  return stage === 'quick-mode'
    ? `offered for ESP: ${summarizePhase2(phase2)}`
    : `offered for IKE: ${summarizePhase1(phase1)}`;
}
