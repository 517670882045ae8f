/** Whether an answer is good enough to be given: what a filter of the provider has ended is not, nor what the caller's `check` refuses. */
import { describe, toError } from '../../base/errors.ts'
import { isList, peek } from '../../base/look.js'
import type { GenerateResult } from '../model/sdk-model.ts'
import { UnfitAnswer } from './failure.ts'
import type { CheckedAnswer, PoolOptions } from './pool-options.ts'

/** Undefined for an answer that is good. @param hasOthers whether another model could do better */
export async function unfitness(
  result: GenerateResult,
  model: string,
  check: PoolOptions['check'],
  hasOthers: boolean,
): Promise<UnfitAnswer | undefined> {
  const finishReason = finishReasonOf(result.finishReason)
  if (finishReason === 'content-filter' && hasOthers)
    return new UnfitAnswer(`A content filter ended the answer of ${model}`, 'policy')
  if (!check) return undefined
  const said = await verdictOf(check, { text: textOfAnswer(result), finishReason, content: contentOf(result), model })
  if (said === true || said === undefined) return undefined
  const why = typeof said === 'string' ? `: ${said}` : said === false ? '' : `: it gave ${describe(said)}`
  return new UnfitAnswer(`The answer of ${model} did not pass \`check\`${why}`, 'quality')
}

/** A check that throws has found something: assertions do so. */
async function verdictOf(check: NonNullable<PoolOptions['check']>, answer: CheckedAnswer): Promise<unknown> {
  try {
    return await check(answer)
  } catch (error) {
    return toError(error).message
  }
}

function finishReasonOf(reason: unknown): string {
  const unified = typeof reason === 'string' ? reason : peek(reason, 'unified')
  return typeof unified === 'string' ? unified : 'unknown'
}

function contentOf({ content }: GenerateResult): readonly unknown[] {
  return isList(content) ? (content as readonly unknown[]) : []
}

function textOfAnswer(result: GenerateResult): string {
  return contentOf(result)
    .map((part) => (peek(part, 'type') === 'text' ? String(peek(part, 'text') ?? '') : ''))
    .join('')
}
