/**
 * Pools of language models under their real limits, and patterns of calls to them.
 *
 * @module heddle/ai
 */

// Pools
export { pool, type Pool } from './pool/pool.ts'
export type { CheckedAnswer, FallbackClass, PoolMember, PoolOptions } from './pool/pool-options.ts'
export type { Prefer, PreferFunction, PreferredCall, PreferredModel } from './pool/prefer.ts'
export type { EmbedAllOptions, EmbedsAll } from './pool/embed-texts.ts'
export type { EmbeddingPool, EmbeddingPoolOptions } from './pool/embedding.ts'
export type { ModelLimits } from './pool/charges.ts'
export type { HedgeOptions } from './pool/hedge.ts'
export type { FallbackReport, ModelReport, PoolReport, PromptCacheReport } from './pool/report.ts'
export type { PromptCacheOptions } from './pool/prompt-cache.ts'
export { shareLimits, type SharedLimits, type ShareLimitsOptions } from './account/share-limits.ts'
export { boundedFetch, type BoundedFetchOptions } from './pool/wire.ts'
export type { AnyEmbeddingModel, AnyLanguageModel } from './model/sdk-model.ts'

// Batches
export { type Batch, batch, type EmbeddingBatch } from './batch/batch.ts'
export type { BatchOptions } from './batch/batch-options.ts'
export type { BatchReport, BatchRow } from './batch/report.ts'

// Cache
export { type CacheReport, type ResponseCache, responseCache, type ResponseCacheOptions } from './cache/response-cache.ts'

// Patterns
export { ask, type AskOptions, type ProviderOptions } from './patterns/ask.ts'
export {
  type Perspectives,
  perspectives,
  type PerspectivesOptions,
  type Question,
  type SettledPerspectives,
  type View,
} from './patterns/perspectives.ts'
export { vote, type VoteOptions, type VoteResult } from './patterns/vote.ts'
export { best, type BestOptions, type BestResult, synthesize, type SynthesizeOptions } from './patterns/best.ts'
export { type Chain, explore, type ExploreOptions, type ExploreResult } from './patterns/explore.ts'
export {
  condense,
  type CondenseDocument,
  type Condensed,
  type CondenseOptions,
  type CondenseResult,
  type DocumentPart,
} from './patterns/condense.ts'
export { team, type TeamMember, type TeamOptions, type TeamResult, type TeamState } from './patterns/team/team.ts'
export type { Settled, TeamView } from './patterns/team/team-work.ts'
export type { Plan, PlannerAnswer, PlannerStream, PlanPart, WrittenPlan } from './patterns/team/team-plan.ts'
export type { PlannedTask } from './patterns/team/task.ts'
export { splitText, type SplitOptions, type TextPart } from './patterns/split.ts'
export type { StandardSchema } from './patterns/schema.ts'

// Agents
export { agent, type AgentFunction, type AgentOptions, type SdkAgent } from './agents/agent.ts'
export type { Approval } from './agents/agent-tools.ts'
export type { Agent, AgentTask, HandOver, RecordingAgent } from './agents/member.ts'
export { memory, type Memory, type MemoryOptions } from './agents/memory.ts'
export { type McpOptions, type McpTools, mcpTools } from './agents/mcp-tools.ts'
export type { SdkTool, Tools } from './agents/sdk.ts'
export { supervisor, type SupervisorOptions } from './agents/supervisor.ts'

// People
export { type Decision, type Inbox, type InboxOptions, type InboxQuestion, openInbox, type OpenQuestion } from './human/inbox.ts'
export { type InboxServer, serveInbox, type ServeInboxOptions } from './human/serve-inbox.ts'
export { askInTerminal, type TerminalOptions } from './human/ask-in-terminal.ts'

// Progress
export { follow, type Followed, type FollowOptions } from './events/follow.ts'
export type { AgentEvent } from './events/events.ts'
export type { UiChunk } from './events/ui-stream.ts'

// Telemetry
export { publishModelCalls, type PublishedModelCalls, type PublishModelCallsOptions } from './telemetry/publish-model-calls.ts'

// Budgets
export { budget, type Budget, type BudgetOptions, type Spend } from './pool/budget.ts'
export { type Ability, type Price, type PriceList, priceLists, priceOf, type Rates, type TierRates } from './prices/prices.ts'
export { loadPrices } from './prices/price-file.ts'

// Texts
export { type CountTokens, estimateTokens } from './model/tokens.ts'
