/** A cipher suite that knows how many of its security associations are open: what a tunnel leaves behind. */
import type { CipherSuite } from '../../shared/crypto/suite.ts';

export interface CountedSuite {
  readonly suite: CipherSuite;
  /** SAs that were made and not closed. */
  readonly open: () => number;
}

export function countedSuite(inner: CipherSuite): CountedSuite {
  const live = new Set<object>();
  const watched = <T extends { close(): void }>(context: T): T => {
    live.add(context);
    const close = context.close.bind(context);
    context.close = () => {
      live.delete(context);
      close();
    };
    return context;
  };
  const { esp } = inner;
  return {
    suite: {
      ...inner,
      esp: {
        ...esp,
        sealer: (parameters) => watched(esp.sealer(parameters)),
        inbound: (parameters) => watched(esp.inbound(parameters)),
      },
    },
    open: () => live.size,
  };
}
