/** The one vector instruction whose name differs between the builds. */

/**
 * Byte i of the result is the byte of `table` whose number is byte i of `index`; 0 where that has its top bit set.
 * Numbers from 16 to 127 occur nowhere: what comes out then depends on the build.
 */
export function look(table: v128, index: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD
    ? i8x16.relaxed_swizzle(table, index)
    : i8x16.swizzle(table, index);
}
