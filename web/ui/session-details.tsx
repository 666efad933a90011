/** What was agreed on with the gateway, weak algorithms marked and explained. */
import { useSignal } from '@preact/signals';
import type { ComponentChildren, VNode } from 'preact';
import { useEffect } from 'preact/hooks';
import { DETAIL_LIMIT, plainText } from '../../shared/errors.ts';
import type { Session } from '../worker/api.ts';
import { formatAge } from './format.ts';
import { algorithmParts, weakReason } from './weak.ts';

/** The hour and minute, as the reader’s country writes them. */
const SHORT_TIME = { hour: '2-digit', minute: '2-digit' } as const;

export function SessionDetails({ session }: { readonly session: Session }): VNode {
  const { gateway, weak } = session;
  return (
    <>
      <dl class="details">
        <Row term="Assigned address">
          <code>{session.address}</code>
        </Row>
        {session.ipv6Addresses.length > 0 && (
          <Row term="IPv6" long>
            <code>{session.ipv6Addresses.join(', ')}</code>
          </Row>
        )}
        <Row term="Peer">
          <code>{session.peerAddress}</code>
        </Row>
        <Row term="Name servers">
          {session.nameServers.length === 0 ? (
            'none'
          ) : (
            <code>{session.nameServers.join(', ')}</code>
          )}
        </Row>
        <Row term="Gateway">
          {plainText(gateway.name)} <code>{gateway.address}</code>
        </Row>
        <Row term="IKE" long>
          <Algorithms list={session.ike} weak={weak} />
        </Row>
        <Row term="ESP" long>
          <Algorithms list={session.esp} weak={weak} />
        </Row>
        <Row term="Transport">{session.transport}</Row>
        <Row term="Authentication">
          <Algorithms list={session.authentication} weak={weak} />
        </Row>
        <Row term="MTU">{session.mtu} bytes</Row>
        <Row term="Since">
          <Since since={session.since} />
        </Row>
      </dl>
      {session.caveat !== undefined && (
        <div class="notice">
          <p>{plainText(session.caveat, DETAIL_LIMIT)}</p>
        </div>
      )}
      {weak.length > 0 && (
        <div class="notice">
          <p>
            <strong>What was agreed on is weak.</strong> The tunnel works; ask the gateway’s
            operator to allow something stronger.
          </p>
          <ul>
            {weak.map((name) => (
              <li key={name}>{weakReason(name)}</li>
            ))}
          </ul>
        </div>
      )}
    </>
  );
}

interface RowProps {
  readonly term: string;
  /** Takes the whole width of a narrow screen. */
  readonly long?: boolean;
  readonly children: ComponentChildren;
}

function Row(props: RowProps): VNode {
  return (
    <div class={props.long === true ? 'is-long' : undefined}>
      <dt>{props.term}</dt>
      <dd>{props.children}</dd>
    </div>
  );
}

function Algorithms(props: { readonly list: string; readonly weak: readonly string[] }): VNode {
  const parts = algorithmParts(props.list, props.weak);
  return (
    <>
      {parts.map(({ text, weak }, index) => (
        <span key={text} class="algorithm">
          {weak ? (
            <mark>
              {text} <small>weak</small>
            </mark>
          ) : (
            text
          )}
          {index < parts.length - 1 && ', '}
        </span>
      ))}
    </>
  );
}

function Since({ since }: { readonly since: number }): VNode {
  const now = useSignal(Date.now());
  useEffect(() => {
    const timer = setInterval(() => {
      now.value = Date.now();
    }, 1000);
    return () => clearInterval(timer);
  }, [now]);
  const start = new Date(since);
  return (
    <>
      <time dateTime={start.toISOString()}>{start.toLocaleTimeString([], SHORT_TIME)}</time>{' '}
      <span class="muted">({formatAge(now.value - since)})</span>
    </>
  );
}
