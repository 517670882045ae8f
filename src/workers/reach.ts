/** How far apart this thread and its workers are. Round trips of short calls, measured on two cores with Node 20. */
import type { Reach } from '../run/executor.ts'

export const threadReach: Reach = { sharesMemory: true, remote: false, roundTripMs: 0.025 }
/** Chosen: its messages are written to a pipe and read from it, several times as long. */
export const processReach: Reach = { sharesMemory: false, remote: false, roundTripMs: 0.1 }
