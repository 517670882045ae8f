/**
 * Pools of language models under their real limits, and patterns of calls to them.
 *
 * @module heddle/ai
 */

// Pools
export { pool, type Pool } from './pool.ts'
export type { PoolMember, PoolOptions } from './pool-options.ts'
export type { EmbedAllOptions, EmbeddingPool, EmbeddingPoolOptions } from './embedding.ts'
export type { ModelLimits } from './replica.ts'
export type { HedgeOptions } from './hedge.ts'
export type { ModelReport, PoolReport } from './report.ts'
export { boundedFetch, type BoundedFetchOptions } from './wire.ts'
export type { AnyEmbeddingModel, AnyLanguageModel } from './model.ts'

// Patterns
export { ask, type AskOptions, type ProviderOptions } from './ask.ts'
export {
  type Perspectives,
  perspectives,
  type PerspectivesOptions,
  type Question,
  type SettledPerspectives,
  type View,
} from './perspectives.ts'
export { vote, type VoteOptions, type VoteResult } from './vote.ts'
export { best, type BestOptions, type BestResult, synthesize, type SynthesizeOptions } from './best.ts'
export { type Chain, explore, type ExploreOptions, type ExploreResult } from './explore.ts'
export {
  condense,
  type CondenseDocument,
  type Condensed,
  type CondenseOptions,
  type CondenseResult,
  type DocumentPart,
} from './condense.ts'
export { team, type TeamOptions, type TeamResult, type TeamState } from './team/team.ts'
export type { Agent, AgentTask } from './team/round.ts'
export type { Plan, PlannerAnswer, PlannerStream, PlanPart } from './team/plan.ts'
export type { PlannedTask } from './team/task.ts'
export { splitText, type SplitOptions, type TextPart } from './split.ts'
export type { StandardSchema } from './schema.ts'

// Budgets
export { budget, type Budget, type BudgetOptions, type Spend } from './budget.ts'
export { type Price, type PriceList, priceLists, priceOf, type Rates } from './prices.ts'
export { loadPrices } from './price-file.ts'

// Texts
export { type CountTokens, estimateTokens } from './tokens.ts'
