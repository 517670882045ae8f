/** What the page (the workspace `ui`) imports: the contract, and its sources. No Node anywhere below. */
export type * from './protocol.ts'
export type { ServerSnapshot } from '../serve/http/watch/snapshot.ts'
export { embeddedTraceId, exportFiles, exportFormats, linesMax, segmentKinds, taskOrders, taskStates } from './protocol.ts'
export { decodeWindow } from './window-codec.ts'
export { ServerError, serverSource } from './client.ts'
export { traceSource } from './model/trace-source.ts'
