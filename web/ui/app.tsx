/** The page: header, sign-in beside the tunnel's status, and the tools once there is a tunnel. */
import type { VNode } from 'preact';
import type { Failure } from '../../shared/errors.ts';
import { ConnectionPanel } from './connection-panel.tsx';
import { ConnectionsTool } from './connections-tool.tsx';
import { FailureNote } from './failure-note.tsx';
import { FetchTool } from './fetch-tool.tsx';
import { Wordmark } from './icons.tsx';
import { PacketsPanel } from './packets/packets-panel.tsx';
import { PingTool } from './ping-tool.tsx';
import type { Portal } from './portal.ts';
import { SignInCard } from './sign-in-card.tsx';
import { StartPage } from './start-page.tsx';

export interface AppProps {
  readonly portal: Portal;
  /** What is to be known before anything is typed. */
  readonly warning: Failure | undefined;
}

export function App({ portal, warning }: AppProps): VNode {
  const connected = portal.view.value.kind === 'connected';
  return (
    <>
      <header class="masthead">
        <h1>
          <Wordmark />
        </h1>
        <p>An L2TP/IPsec VPN client that lives in this browser tab. Nothing to install.</p>
        {warning && <FailureNote failure={warning} role="alert" />}
      </header>
      <main class={connected ? 'layout is-connected' : 'layout'}>
        <SignInCard portal={portal} />
        <ConnectionPanel portal={portal} />
        {connected && (
          <section class="tools" aria-labelledby="tools-title">
            <h2 id="tools-title">Tools</h2>
            <StartPage portal={portal} />
            <PingTool portal={portal} />
            <FetchTool portal={portal} />
            <ConnectionsTool portal={portal} />
          </section>
        )}
        <PacketsPanel inspection={portal.inspection} />
      </main>
      <footer class="colophon">
        <p>
          Your keys stay in this tab. The relay carries packets it cannot read; the gateway is the
          one your organisation already runs. <a href="licences.txt">Licences</a>
        </p>
      </footer>
    </>
  );
}
