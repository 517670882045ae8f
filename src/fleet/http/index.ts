/** Worker functions on platforms that start machines by themselves: the executor that sends, the handler that answers. */
export { FleetRefused, FleetUnavailable, NoWorkers, PayloadTooLarge, WorkerLost } from '../protocol/errors.ts'
export { http, type HttpExecutor, type HttpOptions } from './executor.ts'
export { type Handle, handler, type HandlerOptions, lambda, type LambdaEvent, type LambdaResult } from './handler.ts'
export { listener } from './listener.ts'
