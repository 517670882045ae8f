/** One run of memory.bench.mjs. Prints what it took. */
import { mapReduce } from 'heddle'

const items = 1_000_000
let peak = 0

function look() {
  peak = Math.max(peak, process.memoryUsage.rss())
}

/** Each item is a kilobyte that nobody may keep. @param {number} count */
function* lazy(count) {
  for (let i = 0; i < count; i++) {
    if (i % 1_000 === 0) look()
    yield { i, body: Buffer.alloc(1_000) }
  }
}

/** @param {number} count */
async function* lazyAsync(count) {
  yield* lazy(count)
}

const source = process.argv[2] === 'async' ? lazyAsync : lazy
/** @param {number} count */
const run = (count) =>
  mapReduce(
    source(count),
    async ({ i }) => i,
    (a, b) => a + b,
  )

// What loading and compiling take is not the run's.
await run(1_000)
const before = process.memoryUsage.rss()
peak = before
const startedAt = performance.now()
const sum = await run(items)
look()
if (sum !== (items * (items - 1)) / 2) throw new Error(`wrong result: ${sum}`)
const mb = (/** @type {number} */ bytes) => bytes / 1e6
console.log(JSON.stringify({ growthMb: mb(peak - before), beforeMb: mb(before), seconds: (performance.now() - startedAt) / 1e3 }))
