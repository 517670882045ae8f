/**
 * 900 calls, 300 at a time, to two deployments of which the first has a key that is refused from the first call on. SIMULATED: providers on this machine.
 *
 * The figure is what is wasted: requests that went to the dead deployment. heddle's cool-down is 1 s here, so that several pass within the run. `without fallback` is the
 * AI SDK with its retries, on the dead deployment alone.
 */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { generateText } from 'ai'
import { map } from 'heddle'
import { pool } from 'heddle/ai'
import { startProvider } from './ai/provider.mjs'

const rounds = 3
const burst = Array.from({ length: 300 }, (_, i) => `What is ${i} + 1?`)
const coolDownMs = 1_000

globalThis.AI_SDK_LOG_WARNINGS = false

/** A contender: `modelOf` makes a model of the dead deployment and the live one; a pool counts its attempts at the dead one, else each lost call is one. */
function contender(modelOf, isPool) {
  return async () => ({
    measure: async () => {
      const provider = await startProvider({ apiKey: 'right', firstToken: 50, tokensPerSecond: 1_000 })
      const client = (apiKey) => createOpenAICompatible({ name: apiKey, baseURL: provider.baseURL, apiKey })
      const model = modelOf(client('wrong')('a'), client('right')('b'))
      let lost = 0
      const startedAt = performance.now()
      for (let round = 0; round < rounds; round++) {
        const { failed } = await map(burst, (prompt) => generateText({ model, prompt }), {
          concurrency: 300,
          onFailure: 'settle',
        })
        lost += failed.length
        // The cool-down passes, so that each burst meets a deployment that may be asked again.
        await new Promise((resolve) => setTimeout(resolve, 2 * coolDownMs))
      }
      const tookMs = performance.now() - startedAt
      const wasted = isPool ? model.report().models[0].attempts : lost
      await provider.close()
      // A pause doubles after each probe that is refused: at least one cool-down, and as many as fit.
      const coolDowns = Math.max(1, Math.floor(Math.log2(tookMs / coolDownMs + 1)))
      return { figure: wasted / coolDowns, lost, wasted, 'cool-downs': coolDowns }
    },
  })
}

/** @type {import('./harness/measure.mjs').Bench} */
export default {
  about: `${rounds * burst.length} calls, one of two deployments with a dead key (simulated)`,
  unit: 'requests wasted per cool-down',
  reference: "heddle, prefer: 'first'",
  rounds: 1,
  warmups: 0,
  contenders: {
    "heddle, prefer: 'first'": contender((dead, alive) => pool([dead, alive], { prefer: 'first', coolDown: coolDownMs }), true),
    "heddle, prefer: 'least-busy'": contender((dead, alive) => pool([dead, alive], { coolDown: coolDownMs }), true),
    'without fallback': contender((dead) => dead, false),
  },
  targets: (results) =>
    ["heddle, prefer: 'first'", "heddle, prefer: 'least-busy'"].flatMap((name) => [
      { what: `${name}, wasted per cool-down`, got: results.median(name), atMost: 2 },
      { what: `${name}, lost`, got: results.median(name, undefined, 'lost'), atMost: 0 },
    ]),
}
