/**
 * `npm test` draws the same cases every time, and 40 of them where a test does not say how many, so that a change is judged by itself; `npm run test:long` draws new ones. `FC_SEED` sets
 * the seed: that of a failure, to see it again.
 */
import fc from 'fast-check'
import { runs } from './runs.ts'

fc.configureGlobal({ seed: Number(process.env.FC_SEED ?? 20_261_121), numRuns: runs(40, 100) })
