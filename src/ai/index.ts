// Pools
export { pool, type Pool } from './pool.ts'
export type { PoolMember, PoolOptions } from './pool-options.ts'
export type { EmbedAllOptions, EmbeddingPool, EmbeddingPoolOptions } from './embedding.ts'
export type { ModelLimits } from './replica.ts'
export type { HedgeOptions } from './hedge.ts'
export type { ModelReport, PoolReport } from './report.ts'
export type { AnyEmbeddingModel, AnyLanguageModel } from './model.ts'

// Budgets
export { budget, type Budget, type BudgetOptions, type Spend } from './budget.ts'
export { type Price, type PriceList, priceLists, priceOf } from './prices.ts'

// Texts
export { type CountTokens, estimateTokens } from './tokens.ts'
