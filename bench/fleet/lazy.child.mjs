/** A million items from a lazy source through a fleet: how much the client grows, beside the results that it keeps. */
import { stream } from 'heddle'
import { bullmq } from 'heddle/bullmq'
import { double } from './functions.mjs'

const [, , url = '', count = '1000000'] = process.argv
const fleet = await bullmq({ url })
const run = (/** @type {number} */ length) =>
  stream(
    (function* () {
      for (let i = 0; i < length; i++) yield i
    })(),
  )
    .map(double, { on: fleet })
    .reduce((sum, n) => sum + n, 0)
await run(20_000)
globalThis.gc?.()
const before = process.memoryUsage().rss
let most = before
const watch = setInterval(() => (most = Math.max(most, process.memoryUsage().rss)), 20)
const startedAt = performance.now()
const sum = await run(Number(count))
const ms = performance.now() - startedAt
clearInterval(watch)
await fleet.close()
if (sum !== Number(count) * (Number(count) - 1)) throw new Error('wrong results')
console.log(JSON.stringify({ grownMb: (most - before) / 1e6, ms }))
