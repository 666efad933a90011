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

/** Begins one of ours. */
export function beginPhase1(context: IkeContext, channel: IkeChannel, now: Millis): Phase1 {
  const { credentials } = context.config;
  const { xauth } = credentials;
  const aggressive = aggressiveOf(credentials);
  const phase1 =
    aggressive === undefined
      ? new MainModeInitiator(context, channel, now)
      : new AggressiveInitiator(context, aggressive, channel, now);
  return xauth === undefined ? phase1 : new ExtendedAuthentication(context, phase1, xauth);
}

/** Listens to one of the peer's, whose first message this may be: aggressive mode only where it is ours, too. */
export function answerPhase1(context: IkeContext, { header }: Message): Phase1 {
  const isAggressive = header.exchangeType === ExchangeType.aggressive;
  return isAggressive && aggressiveOf(context.config.credentials) !== undefined
    ? new AggressiveResponder(context)
    : new MainModeResponder(context);
}

function aggressiveOf(credentials: Credentials): Aggressive | undefined {
  return credentials.kind === 'pre-shared-key' ? credentials.aggressive : undefined;
}
