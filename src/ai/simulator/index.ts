/**
 * A model provider on this machine, for load tests without cost and for tests over real HTTP.
 *
 * @module heddle/ai/simulator
 */

export { simulate, Simulator } from './server.ts'
export type { BatchStats } from './batches.ts'
export type { SimulatorStats } from './tally.ts'
export type { LatencyPart, SimulatedLimits, SimulatedModel, SimulatorOptions } from './settings.ts'
export type { JsonSchema, ModelRequest, RequestMessage, RequestTool } from './request.ts'
export { question } from './request.ts'
