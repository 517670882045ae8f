/** `heddle/serve`: models in replicas, behind bounded and fair queues. */
export { replica, replicas, type ServedModels } from './replicas/replicas.ts'
export type {
  BatchOptions,
  OpenSettings,
  QueueOptions,
  Replica,
  ReplicaContext,
  ReplicaDefinition,
  ReplicasOptions,
} from './definition.ts'
export { isServed, type Answer, type Served, type ServedCallOptions, type StreamedAnswer } from './served.ts'
export type { Histogram, Latencies, Measured, Refusal, ReplicaStats, ServedStats, TenantStats } from './stats.ts'
export type {
  ChatAbility,
  ChatMessage,
  ChatPart,
  ChatRequest,
  ChatResult,
  ChatTool,
  ChatToolCall,
  Classification,
  ModelKind,
} from './kinds.ts'
export { serve, isService, type ListenOptions, type RunningServer, type Service } from './http/service.ts'
export type { ServeLimits, ServeOptions } from './http/settings/options.ts'
export type { FunctionContext, FunctionModel } from './http/settings/function-model.ts'
export type { KeyOptions } from './http/access/keys.ts'
export type { ServerSecond, ServerSnapshot } from './http/watch/snapshot.ts'
export type { Percentiles } from './http/watch/seconds.ts'
export type { TenantCounts } from './http/watch/tally.ts'
export { BadRequest } from './bad-request.ts'
