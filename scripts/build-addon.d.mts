/** Builds the addon where it must. Answers what stands in the way, `undefined` when the addon is there. */
export function buildAddon(): string | undefined;
