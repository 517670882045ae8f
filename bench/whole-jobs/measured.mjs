/** Runs one way of one program: warm when it is opened, checked against the loop, with the event loop's longest hold. */
import { deepStrictEqual } from 'node:assert'
import { openHand } from './hand.mjs'
import { ways } from './program.mjs'

/** As long as the compilers need. A sample is as many runs as fit into this, one at least. Both chosen. */
const [warmUpMs, sampleMs] = [400, 200]
/** How often the event loop is looked at, in milliseconds: rarely enough that looking takes nothing from the work. */
const lookMs = 2

/**
 * @param {{ file: string, program: string, size: 'small' | 'full' }} job
 * @param {keyof typeof ways} way
 * @returns {Promise<import('../harness/measure.mjs').Subject | undefined>}
 */
export async function open({ file, program: name, size }, way) {
  const { method, consents } = ways[way]
  const url = new URL(file, import.meta.url)
  const { programs } = await import(consents ? `${url.href}?consents` : url.href)
  /** @type {import('./program.mjs').Program} */
  const program = programs[name]
  if (!(method in program)) return undefined
  const input = await program.prepare(program.sizes[size])
  const fresh = async () => (program.fresh ? program.fresh(input) : input)
  const expected = await program.loop(await fresh())
  const check = program.check ?? deepStrictEqual
  const hand = method === 'byHand' ? await openHand(url) : undefined
  const run = (/** @type {any} */ own) => (hand ? program.byHand(own, hand) : program[/** @type {'loop'} */ (method)](own))
  for (const end = performance.now() + warmUpMs; ;) {
    check(await run(await fresh()), expected)
    if (performance.now() >= end) break
  }
  return {
    measure: () => sample(fresh, run, (value) => check(value, expected)),
    close: () => hand?.close(),
  }
}

/** @param {() => unknown} fresh @param {(input: any) => any} run @param {(value: unknown) => void} check */
async function sample(fresh, run, check) {
  const [times, holds] = [[], []]
  let value
  for (let total = 0; total < sampleMs; total += times.at(-1) ?? 0) {
    const own = await fresh()
    await new Promise((resolve) => setImmediate(resolve))
    const held = watch()
    const began = performance.now()
    value = await run(own)
    times.push(performance.now() - began)
    holds.push(held())
  }
  check(value)
  return { figure: middle(times), 'loop held ms': middle(holds) }
}

/** Gives the longest time between two turns of the event loop since it was called. */
function watch() {
  let longest = 0
  let last = performance.now()
  const look = () => {
    longest = Math.max(longest, performance.now() - last)
    last = performance.now()
  }
  const timer = setInterval(look, lookMs)
  return () => {
    look()
    clearInterval(timer)
    return longest
  }
}

/** @param {number[]} values */
const middle = (values) => values.sort((a, b) => a - b)[values.length >> 1]
