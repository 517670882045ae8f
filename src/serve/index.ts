/** `heddle/serve`: models in replicas, behind bounded and fair queues. */
export { isServed, type Answer, type Served, type ServedCallOptions, type StreamedAnswer } from './served.ts'
export type { Histogram, Latencies, Measured, Refusal, ReplicaStats, ServedStats, TenantStats } from './stats.ts'
export type { ChatMessage, ChatPart, ChatRequest, ChatResult, Classification, ModelKind } from './kinds.ts'
