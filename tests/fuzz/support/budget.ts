/** How long each fuzzer searches. */
export const BUDGET_MILLIS: number = 1000 * Number(process.env.CULVERT_FUZZ_SECONDS ?? 60);
