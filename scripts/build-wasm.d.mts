/** The module's path, after building it where it is missing or stale. Throws with the compiler's messages. */
export function buildWasm(): Promise<string>;
