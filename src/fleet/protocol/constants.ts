/** The times of the protocol, in milliseconds, in one place: each is safe only beside the others. */

/** How long a machine owns a batch without a word from it. */
export const lockMs = 15_000
/** How often workers look for batches whose lock has run out: a dead machine is found after at most `lockMs` and two looks. */
export const stalledCheckMs = 5_000
/** A worker gives its batch up after this time without a renewal: before the lock can be somebody else's. */
export const fenceMs = 14_000
/** How often clients and workers say that they are alive. */
export const beatMs = 5_000
/** A worker whose beat has not changed for this time, by the observer's clock, is not counted on. */
export const workerDeadMs = 15_000
/** Batches of a client whose beat has not changed for this time are not begun, and what it left is removed. */
export const clientDeadMs = 60_000
/** The same where a checkpoint says that the client will come again. */
export const keptMs = 24 * 3_600_000
/** How often a client asks for the state of its batches: events are hints, and may be lost. */
export const pollMs = 1_000
/** After a cancellation a client waits this long for the machines that have its batches. */
export const cancelMs = 5_000

/** A batch that machines were lost with this often is divided, until one item stands alone. */
export const mostLosses = 3
