/**
 * A replica that always has C requests under way: how long a token takes, what the prompts of other requests add to it, and how many fit.
 *
 * While one sequence is decoded, the others end and new ones begin, whose prompts share steps with it. A step with both takes less than the two
 * would take one after the other, because the prompt's computing hides behind reading the weights, or the other way round, as far as the engine lets it.
 */
import { habits } from './efficiencies.ts'
import { forwardTerms, type Setting } from './forward.ts'
import { cachedSequences, chunkTokens } from './memory.ts'
import { combine, type Terms, totalOf } from './terms.ts'

/** Requests as they come: tokens in, tokens out, how many at once. */
export interface Load {
  /** Tokens of a prompt and of an answer, means. */
  readonly input: number
  readonly output: number
  /** Requests under way in one replica. */
  readonly concurrency: number
}

/** How a replica does under a load that stays. */
export interface Steady {
  /** Per output token, by cause. */
  readonly perToken: Terms
  readonly tokenSeconds: number
  /** One step in which no prompt takes part. */
  readonly stepSeconds: number
  /** One prompt, with nobody else there, by cause. */
  readonly prompt: Terms
  readonly promptSeconds: number
  /** One prompt while the others are decoded, without a wait before it. */
  readonly firstTokenSeconds: number
  /** Requests that have a place in the KV cache; 0: not even one. */
  readonly resident: number
  /** More requests are under way than the KV cache holds, so that some wait. */
  readonly saturated: boolean
  /** Output tokens a second of this replica. */
  readonly tokensPerSecond: number
}

/** Predicts how one replica of a `setting` does under a load of `input` and `output` tokens with `concurrency` requests under way. Never throws. */
export function steadyState(setting: Setting, { input, output, concurrency }: Load): Steady {
  const { layout, efficiencies, engine } = setting
  const held = habits[engine].reservesAnswers ? input + output : input + output / 2
  const places = cachedSequences(setting, held)
  const resident = Math.min(concurrency, places)
  // Stages work on parts of the batch at the same time.
  const sequences = Math.max(resident, 1) / layout.pipeline
  const decoding = { prompt: 0, promptContext: 0, sequences, context: input + output / 2 }
  const chunk = Math.min(input, chunkTokens)
  const chunks = input / chunk
  const decode = forwardTerms(setting, decoding)
  const mixed = forwardTerms(setting, { ...decoding, prompt: chunk, promptContext: input / 2 })
  const prompt = combine([forwardTerms(setting, { prompt: chunk, promptContext: input / 2, sequences: 0, context: 0 }), chunks])
  // Chunks of others that are computed between two tokens of one sequence, as a share of a whole pass.
  const others = Math.max(0, ((resident - 1) / output) * efficiencies.interference * (chunks / layout.pipeline))
  const perToken = combine([decode, 1 - others], [mixed, others], [unevenStages(decode, setting), 1])
  const tokenSeconds = totalOf(perToken)
  const promptSeconds = totalOf(prompt)
  return {
    perToken,
    tokenSeconds,
    stepSeconds: totalOf(decode),
    prompt,
    promptSeconds,
    firstTokenSeconds: totalOf(mixed) * chunks,
    resident,
    saturated: concurrency > places,
    tokensPerSecond: (resident * output) / (promptSeconds + tokenSeconds * Math.max(output - 1, 1)),
  }
}

/** Every part of the batch waits for the longest stage. */
function unevenStages(decode: Terms, { model, layout }: Setting): Terms {
  const longest = (Math.ceil(model.layers / layout.pipeline) * layout.pipeline) / model.layers
  return combine([
    { ...decode, computing: 0, weights: 0, cache: 0, allReduce: 0, allToAll: 0, overhead: 0, pipeline: totalOf(decode) },
    longest - 1,
  ])
}
