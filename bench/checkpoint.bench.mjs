/** What a checkpoint costs: a map of trivial calls whose results, of about 100 bytes, go to a journal or do not. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { map } from 'heddle'

const n = 50_000
const items = Array.from({ length: n }, (_, i) => `item-${i}`)
/** @param {string} item */
const work = async (item) => ({ item, words: item.length, text: 'a result of about one hundred bytes in all, as JSON' })

/** @param {object} options */
function journalled(options) {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-bench-'))
  let run = 0
  return {
    run: () => map(items, work, { ...options, checkpoint: { path: join(folder, `${++run}.jsonl`), durability: 'flush' } }),
    close: () => rmSync(folder, { recursive: true }),
  }
}

/** @type {import('./harness/measure.mjs').Bench} */
export default {
  about: `map of ${n.toLocaleString('en')} trivial calls, its results recorded in a journal`,
  unit: 'µs per item',
  figure: (ms) => (ms * 1e3) / n,
  reference: 'no checkpoint',
  contenders: {
    'no checkpoint': () => ({ run: () => map(items, work) }),
    flush: () => journalled({}),
    'flush, 256 at once': () => journalled({ concurrency: 256 }),
    'flush, keys given': () => journalled({ key: (/** @type {string} */ item) => item }),
    // One sync per batch of 16: what is measured is the disk.
    fsync: () => {
      const folder = mkdtempSync(join(tmpdir(), 'heddle-bench-'))
      const few = items.slice(0, 2_000)
      let run = 0
      return {
        async measure() {
          const begun = performance.now()
          await map(few, work, { checkpoint: join(folder, `${++run}.jsonl`) })
          return ((performance.now() - begun) * 1e3) / few.length
        },
        close: () => rmSync(folder, { recursive: true }),
      }
    },
    'all restored': async () => {
      const folder = mkdtempSync(join(tmpdir(), 'heddle-bench-'))
      const options = { checkpoint: join(folder, 'run.jsonl'), concurrency: 1_024 }
      await map(items, work, options)
      return { run: () => map(items, work, options), close: () => rmSync(folder, { recursive: true }) }
    },
  },
  check(results) {
    if (typeof results !== 'number' && results.at(-1).item !== `item-${n - 1}`) throw new Error('wrong results')
  },
  targets: (results) => {
    const recorded = results.median('flush')
    const overhead = recorded === undefined ? undefined : recorded - (results.median('no checkpoint') ?? 0)
    return [
      { what: 'flush, µs per record (100,000 per second)', got: recorded, atMost: 10 },
      { what: 'flush, overhead in µs per item', got: overhead, atMost: 10 },
    ]
  },
}
