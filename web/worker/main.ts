/**
 * The worker's entry: every port that a window sends gets the same tunnel. All the rest is loaded from here and nothing shares code with
 * this file, since WebKit runs a worker's entry once more for whatever imports from it, as another program with another tunnel.
 */

self.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
  if (!(data instanceof MessagePort)) return;
  // The page hears of an error that nobody catches; of a rejection it does not.
  import('./start.ts').then(({ serve }) => serve(data)).catch(reportError);
});
