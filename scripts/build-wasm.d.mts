/** The modules' paths by build, after building those that are missing or stale. Throws with the compiler's messages. */
export function buildWasm(): Promise<Record<'relaxed' | 'strict' | 'none', string>>;
