/**
 * Run where the system has few UDP ports to give: opens sessions until one is refused, and tells, as JSON, how many
 * stood and what the refusal was.
 */
import { closeAll, relayFor, Tab } from './support.ts';

const relay = await relayFor([{ id: 'office', name: 'Office', address: '127.0.0.2' }]);
for (let stood = 0; ; stood++) {
  const tab = new Tab(relay);
  const opened = await tab.open().catch((error: Error) => error.message);
  if (typeof opened !== 'string') continue;
  console.log(JSON.stringify({ stood, refusal: /RELAY_\w+/.exec(opened)?.[0] }));
  break;
}
await closeAll();
