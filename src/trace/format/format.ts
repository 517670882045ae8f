/**
 * The `.heddle` trace file: magic, one byte of version, then blocks to the end of the file.
 *
 *     file   = "heddle\0" version(u8) block*
 *     block  = length(u32) crc32(u32) body          length and CRC-32 are those of the body
 *     body   = type(u8) …
 *       head  1: JSON of TraceMeta without durationMs and complete; exactly one, first
 *       texts 2: JSON array of texts; they get the next numbers, from 1 on (0 is the empty text)
 *       rows  3: table(u8) count(u32) columns       new rows, appended; the table's number is its place in `tableNames`
 *       runs  4: count(u32) row(u32)*count columns  rows of `runs` that changed: they have settled
 *       open  5: now(f64) count(u32) columns        the tasks under way now, columns of `tasks`; replaces the block before
 *       end   6: durationMs(f64)                    the trace is complete
 *       plain 7: origin(f64) needsEnd(u32) stretches(u32) stretch*stretches batch*
 *                                                   new rows of `tasks`: done at the first attempt, no needs.
 *                                                   Batches as in `packed-tasks.ts`; origin is what their clock shows at the beginning of the trace
 *     stretch = run(u32) parent(u32) shift(f64) count(u32) row(u32) queued(f64) bytes(f64)
 *                                                   `count` tasks have this run, parent and executor; their index is their id plus shift; they were handed
 *                                                   out at that time of their clock (-1: when each began), and took `bytes` bytes each
 *     columns = for each column of the table's schema in order: its cells, packed
 *
 * Everything is little-endian. A writer appends blocks a few times a second, texts before the rows that use them, so what
 * a crash leaves is a readable trace up to shortly before it. A reader drops a torn last block; damage before that is refused.
 * The same blocks travel from a running program to whoever watches it live.
 *
 * A change of any schema in `model/trace.ts` needs a new version. Format 1 has no blocks `plain`; format 2 has no table `processors`, and its stretches end
 * with their count; format 3 has no table `executors`. All are 4 otherwise.
 */

export const magic = new Uint8Array([0x68, 0x65, 0x64, 0x64, 0x6c, 0x65, 0x00])
export const formatVersion = 4
export const oldestVersion = 1
export const preambleBytes = magic.length + 1
export const blockHeadBytes = 8

export const blockTypes = { head: 1, texts: 2, rows: 3, runs: 4, open: 5, end: 6, plain: 7 } as const

/** No block `rows` holds more, so that readers can work block by block. */
export const rowsPerBlock = 65_536

/** Since format 3, and before. */
export const plainStretchBytes = 40
export const shortStretchBytes = 20
