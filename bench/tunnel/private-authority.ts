/** libcurl.js with a certificate of one's own: it has no way to trust one, so its list is replaced where it lies. */

interface Exports {
  readonly memory: WebAssembly.Memory;
  /** Where its list is: PEM that ends with a zero. */
  get_cacert(): number;
}

/** Runs `load`, which instantiates libcurl.js's module, and makes that trust `pem` and nobody else. */
export async function trusting(pem: string, load: () => Promise<unknown>): Promise<void> {
  const { instantiateStreaming } = WebAssembly;
  let exports: Exports | undefined;
  WebAssembly.instantiateStreaming = async (source, imports) => {
    const instantiated = await instantiateStreaming(source, imports);
    exports = instantiated.instance.exports as unknown as Exports;
    return instantiated;
  };
  try {
    await load();
  } finally {
    WebAssembly.instantiateStreaming = instantiateStreaming;
  }
  if (exports === undefined) throw new Error('libcurl.js did not instantiate its module');
  const memory = new Uint8Array(exports.memory.buffer);
  const start = exports.get_cacert();
  const end = memory.indexOf(0, start);
  if (end - start < pem.length) throw new Error('libcurl.js has no list of certificates');
  // Its length is kept elsewhere, so what is left of it becomes empty lines.
  memory.fill(10, start, end);
  memory.set(new TextEncoder().encode(pem), start);
}
