/**
 * Rows: what the column `row` of tasks and processors means. The thread that owns the runs is one, each worker has a number of its own, and
 * processors have some besides. Whoever asks what a row is asks here.
 */

/** The thread that owns the runs. */
export const threadRow = 0

/** A thread or process of heddle's own, not the thread that owns the runs. */
export const isWorkerRow = (row: number): boolean => row > threadRow

/** Threads of this process that run no JavaScript which heddle knows: libuv's pool, those of native modules, V8's own. */
export const nativeRow = -1
/** Child processes, and theirs. */
export const childrenRow = -2
/** Other programs of the machine. */
export const othersRow = -3
