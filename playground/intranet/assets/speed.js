/** Measures down and up with growing amounts until one takes long enough to say something. */

const ENOUGH_MILLIS = 1000;
const LARGEST = 64_000_000;

const button = document.querySelector('#start');
const output = document.querySelector('#result');

button.hidden = false;
button.addEventListener('click', async () => {
  button.disabled = true;
  try {
    output.textContent = 'Measuring …';
    const down = await measure('down', async (bytes) => {
      await (await fetch(`/down?bytes=${bytes}`, { cache: 'no-store' })).arrayBuffer();
    });
    output.textContent = `Down ${down}. Measuring up …`;
    const up = await measure('up', async (bytes) => {
      await (await fetch('/up', { method: 'POST', body: new Uint8Array(bytes) })).text();
    });
    output.textContent = `Down ${down}, up ${up}.`;
  } catch (error) {
    output.textContent = `That did not work: ${error.message}`;
  }
  button.disabled = false;
});

async function measure(direction, transfer) {
  for (let bytes = 250_000; ; bytes *= 4) {
    const started = performance.now();
    await transfer(bytes);
    const millis = performance.now() - started;
    const rate = (8 * bytes) / millis / 1000;
    output.textContent = `${direction}: ${rate.toFixed(1)} Mbit/s …`;
    if (millis >= ENOUGH_MILLIS || bytes * 4 > LARGEST) return `${rate.toFixed(1)} Mbit/s`;
  }
}
