/** How long one file of fuzzers runs; its fuzzers share it. */
export const BUDGET_MILLIS: number = 1000 * Number(process.env.CULVERT_FUZZ_SECONDS ?? 60);
