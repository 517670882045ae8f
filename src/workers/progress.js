// @ts-check
/**
 * What a worker thread shares with its host, so that the host sees what a busy thread does: `Int32` cells, then one `Float64`. Plain JavaScript,
 * because the worker side runs where no TypeScript does.
 */
export const progress = /** @type {const} */ ({
  /** Number of the batch at work, or of the last one. */
  batch: 0,
  /** How many items of it have started. */
  started: 1,
  /** Goes up with every control message; the thread looks at its control port when it changes. */
  attention: 2,
  /** 1 while the loop over the items is at work. */
  looping: 3,
  /**
   * A ring of claims: the host writes the number of a batch when it posts it; the thread, when it starts the batch, or the host, when
   * it wants it back, exchanges that for its negative. Whoever does it first has it.
   */
  claims: 4,
  claimCount: 64,
  /** Goes up with every message to the thread, which may be waiting on it. */
  posted: 68,
  /** The short number of the function whose module is being loaded; 0 when none is. */
  loading: 69,
  /** 1 from when the thread begins to load a native addon: to end it inside of one may end the process. */
  native: 70,
  /** 1 when the thread has seen `end` or `park`, so that it is in no native call. */
  answered: 71,
  /** 1 while the host waits awake for short results: then the thread stays awake for the next message, too. */
  awake: 72,
  cells: 73,
  /** Byte offset of the start of the current item, in epoch milliseconds. */
  startedAtByte: 296,
  bytes: 304,
})
