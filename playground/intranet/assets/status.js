/** Keeps the charts moving: one sample a second over a WebSocket. */

const charts = document.querySelector('#charts');
const note = document.querySelector('#live');
const { history, width, height } = charts.dataset;

const figures = [...charts.querySelectorAll('figure')].map((figure) => ({
  key: figure.dataset.key,
  values: figure.dataset.values.split(' ').filter(Boolean).map(Number),
  line: figure.querySelector('polyline'),
  output: figure.querySelector('output'),
}));

function draw({ values, line, output }) {
  const top = Math.max(1, ...values);
  const points = values.map((value, i) => {
    const x = width - ((values.length - 1 - i) * width) / (history - 1);
    return `${x.toFixed(1)},${(height - (value / top) * height).toFixed(1)}`;
  });
  line.setAttribute('points', points.join(' '));
  output.textContent = values.at(-1);
}

const address = new URL('/live', location.href);
address.protocol = address.protocol.replace('http', 'ws');
const socket = new WebSocket(address);

socket.addEventListener('open', () => {
  note.textContent = `The last ${history} seconds, live.`;
});
socket.addEventListener('message', ({ data }) => {
  const sample = JSON.parse(data);
  for (const figure of figures) {
    figure.values = [...figure.values, sample[figure.key]].slice(-history);
    draw(figure);
  }
});
socket.addEventListener('close', () => {
  note.textContent = 'The charts stand still: the connection ended. Reload to go on.';
});
