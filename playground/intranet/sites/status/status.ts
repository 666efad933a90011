/** `status`: how busy the network is, as charts that a WebSocket keeps moving and that stand still without scripts. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Host } from '../../../network/host.ts';
import { HOSTS, type HostEntry, hostName } from '../../hosts.ts';
import { type Html, html } from '../../web/html.ts';
import { asset, page } from '../../web/page.ts';
import { type Answer, notFound, type Site, type Visit } from '../../web/site.ts';
import { HISTORY, type Meter, type Sample } from './meter.ts';

/** A viewer with more than this on its way gets nothing more until it has caught up. */
const BACKLOG_LIMIT = 16_384;

/** Viewers have nothing to say. */
const MESSAGE_LIMIT = 256;

const SCRIPT = asset('status.js');

const CHARTS: readonly {
  readonly key: keyof Sample;
  readonly title: string;
  readonly unit: string;
}[] = [
  { key: 'toVisitors', title: 'To visitors', unit: 'B/s' },
  { key: 'toHosts', title: 'From visitors', unit: 'B/s' },
  { key: 'connections', title: 'TCP connections', unit: '' },
  { key: 'visitors', title: 'Visitors', unit: '' },
];

const WIDTH = 300;
const HEIGHT = 80;

export class Status implements Site {
  readonly host: HostEntry = HOSTS.status;
  readonly title = 'Status';
  readonly #meter: Meter;
  readonly #hosts: ReadonlyMap<HostEntry, Host>;
  readonly #sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MESSAGE_LIMIT,
    perMessageDeflate: false,
    autoPong: false,
  });

  constructor(meter: Meter, hosts: ReadonlyMap<HostEntry, Host>) {
    this.#meter = meter;
    this.#hosts = hosts;
  }

  answer(visit: Visit): Answer {
    if (visit.url.pathname === '/status.js') return SCRIPT;
    if (visit.url.pathname !== '/') throw notFound();
    return page(
      this,
      visit,
      'Status',
      html`<h1>What the network does now</h1>
<p class="quiet" id="live">The last ${HISTORY} seconds. Reload to see newer ones.</p>
<div class="cards" id="charts" data-history="${HISTORY}" data-width="${WIDTH}" data-height="${HEIGHT}">
${CHARTS.map(({ key, title, unit }) => chart(key, title, unit, this.#meter.samples))}</div>
<h2>TCP connections of each host</h2>
<div class="wide">
<table>
<thead><tr><th scope="col">Host</th><th scope="col" class="number">Address</th><th scope="col" class="number">Now</th><th scope="col" class="number">So far</th></tr></thead>
<tbody>
${[...this.#hosts].map(hostRow)}</tbody>
</table>
</div>`,
      { scripts: ['/status.js'] },
    );
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (request.url !== '/live') {
      socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n');
      return;
    }
    this.#sockets.handleUpgrade(request, socket, head, (viewer) => this.#show(viewer));
  }

  #show(viewer: WebSocket): void {
    const stop = this.#meter.listen((sample) => {
      if (viewer.bufferedAmount <= BACKLOG_LIMIT) viewer.send(JSON.stringify(sample));
    });
    viewer.on('ping', (data) => {
      if (viewer.bufferedAmount <= BACKLOG_LIMIT) viewer.pong(data);
    });
    viewer.on('close', stop);
    viewer.on('error', () => viewer.terminate());
  }
}

/** A line over the samples: the newest at the right, the largest at the top. `status.js` draws the same. */
function chart(key: keyof Sample, title: string, unit: string, samples: readonly Sample[]): Html {
  const values = samples.map((sample) => sample[key]);
  const top = Math.max(1, ...values);
  const points = values.map((value, i) => {
    const x = WIDTH - ((values.length - 1 - i) * WIDTH) / (HISTORY - 1);
    return `${x.toFixed(1)},${(HEIGHT - (value / top) * HEIGHT).toFixed(1)}`;
  });
  return html`<figure class="card" data-key="${key}" data-unit="${unit}" data-values="${values.join(' ')}">
<figcaption><strong>${title}</strong> <output>${values.at(-1) ?? 0}</output> ${unit}</figcaption>
<svg viewBox="0 -3 ${WIDTH} ${HEIGHT + 6}" role="img" aria-label="${title}, ${HISTORY} seconds"><polyline points="${points.join(' ')}"/></svg>
</figure>
`;
}

function hostRow([entry, host]: [HostEntry, Host]): Html {
  return html`<tr><td>${hostName(entry)}</td><td class="number">${entry.address.join('.')}</td><td class="number">${host.connections}</td><td class="number">${host.accepted}</td></tr>\n`;
}
