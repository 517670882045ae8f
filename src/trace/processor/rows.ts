/** Rows of the table `processors` besides this thread, which is 0, and workers, which have their own numbers. */

/** Threads of this process that run no JavaScript which heddle knows: libuv's pool, those of native modules, V8's own. */
export const nativeRow = -1
/** Child processes, and theirs. */
export const childrenRow = -2
/** Other programs of the machine. */
export const othersRow = -3
