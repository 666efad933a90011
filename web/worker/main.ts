/** The worker's entry: every port that a window sends gets the same tunnel. */
import { expose } from 'comlink';
import { TunnelService } from './tunnel-service.ts';

const service = new TunnelService();

self.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
  if (data instanceof MessagePort) expose(service, data);
});
