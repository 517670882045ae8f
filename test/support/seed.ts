/**
 * `npm test` draws the same cases every time, so that a change is judged by itself; `npm run test:long` draws new ones. `FC_SEED` sets
 * the seed: that of a failure, to see it again.
 */
import fc from 'fast-check'

fc.configureGlobal({ seed: Number(process.env.FC_SEED ?? 20_261_121) })
