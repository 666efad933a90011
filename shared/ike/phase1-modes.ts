/** Which exchange phase 1 is: main mode, or aggressive mode where the credentials ask for it, and XAUTH behind either. */
import type { Message } from '../isakmp/message.ts';
import { ExchangeType } from '../isakmp/numbers.ts';
import type { Millis } from '../wire/bytes.ts';
import { AggressiveInitiator } from './aggressive-initiator.ts';
import { AggressiveResponder } from './aggressive-responder.ts';
import type { IkeContext } from './context.ts';
import type { Aggressive, Credentials } from './credentials.ts';
import { ExtendedAuthentication } from './extended-authentication.ts';
import type { IkeChannel } from './io.ts';
import { MainModeInitiator } from './main-mode-initiator.ts';
import { MainModeResponder } from './main-mode-responder.ts';
import type { Phase1 } from './phase1.ts';
import { XauthGateway } from './xauth-gateway.ts';
import { XauthUser } from './xauth-user.ts';

/** Begins one of ours; `isRenewal` where the peer has admitted us before. */
export function beginPhase1(
  context: IkeContext,
  channel: IkeChannel,
  isRenewal: boolean,
  now: Millis,
): Phase1 {
  const aggressive = aggressiveOf(context.config.credentials);
  const phase1 =
    aggressive === undefined
      ? new MainModeInitiator(context, channel, now)
      : new AggressiveInitiator(context, aggressive, channel, now);
  return withXauth(context, phase1, isRenewal);
}

/** Listens to one of the peer's, whose first message this may be: aggressive mode only where it is ours, too. */
export function answerPhase1(context: IkeContext, { header }: Message): Phase1 {
  const isAggressive = header.exchangeType === ExchangeType.aggressive;
  const phase1 =
    isAggressive && aggressiveOf(context.config.credentials) !== undefined
      ? new AggressiveResponder(context)
      : new MainModeResponder(context);
  // Who is asked by XAUTH is never the responder the first time.
  return withXauth(context, phase1, true);
}

function withXauth(context: IkeContext, phase1: Phase1, isRenewal: boolean): Phase1 {
  const { xauth, admits } = context.config.credentials;
  if (xauth !== undefined) {
    return new ExtendedAuthentication(
      context,
      phase1,
      (sa, now) => new XauthUser(context, sa, xauth, isRenewal, now),
    );
  }
  if (admits === undefined) return phase1;
  return new ExtendedAuthentication(
    context,
    phase1,
    (sa, now) => new XauthGateway(context, sa, admits, now),
  );
}

function aggressiveOf(credentials: Credentials): Aggressive | undefined {
  return credentials.kind === 'pre-shared-key' ? credentials.aggressive : undefined;
}
