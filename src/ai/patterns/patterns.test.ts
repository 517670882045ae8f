import { beforeAll, describe, expect, expectTypeOf, test } from 'vitest'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import * as fc from 'fast-check'
import { z } from 'zod'
import { Cancelled, InvalidOption, Overflow, QuorumNotReached, SchemaMismatch } from '../../base/errors.ts'
import { partialResults } from '../../run/failure.ts'
import { ask, best, condense, estimateTokens, explore, perspectives, pool, synthesize, vote } from '../index.ts'
import { simulate, type Simulator, type SimulatorOptions } from '../simulator/index.ts'
import { leadIsTrue } from './vote.ts'
import { turns } from '../../../test/support/turn.ts'
import { runs } from '../../../test/support/runs.ts'

beforeAll(() => {
  Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false })
})

const quick: SimulatorOptions = { firstToken: 1, tokensPerSecond: 1e6 }

function modelOf(provider: Simulator) {
  return pool(
    createOpenAICompatible({ name: 'simulated', baseURL: provider.baseURL, includeUsage: true, supportsStructuredOutputs: true })(
      'small',
    ),
  )
}

/** Resolves after the event loop has turned so many times: order without time. */
describe('ask', () => {
  test('gives text, or what the schema types', async () => {
    await using provider = await simulate(quick)
    const model = modelOf(provider)
    expect(await ask(model, 'What is 2 + 2?')).toBe('4')
    const answer = await ask(model, 'Judge:\n\nAll is great in Oslo.', {
      schema: z.object({ sentiment: z.enum(['positive', 'negative']) }),
    })
    expectTypeOf(answer).toEqualTypeOf<{ sentiment: 'positive' | 'negative' }>()
    expect(answer).toEqual({ sentiment: 'positive' })
  })

  test('what is no prompt is named', async () => {
    await using provider = await simulate(quick)
    await expect(ask(modelOf(provider), 3 as never)).rejects.toThrow('Expected the prompt of ask to be a text, got 3')
  })

  test('an answer that does not match is a named error', async () => {
    await using provider = await simulate({ ...quick, answer: () => '{"count": "many"}' })
    await expect(ask(modelOf(provider), 'x', { schema: z.object({ count: z.number() }) })).rejects.toThrow(SchemaMismatch)
  })
})

describe('perspectives', () => {
  const review = 'The trip with Nordic Rail was great. Staff in Bergen helped.'

  test('asks several questions of one text at once, typed', async () => {
    await using provider = await simulate({ ...quick, firstToken: 200 })
    const seen = await perspectives(
      review,
      {
        mood: { prompt: 'What is the sentiment?' },
        places: { prompt: 'List them.', schema: z.object({ entities: z.array(z.string()) }) },
        length: (text) => text.length,
      },
      { model: modelOf(provider) },
    )
    expectTypeOf(seen).toEqualTypeOf<{ mood: string; places: { entities: string[] }; length: number }>()
    expect(seen).toEqual({ mood: 'positive', places: { entities: ['Nordic Rail', 'Bergen'] }, length: review.length })
    expect(provider.stats().peak).toBe(2)
  })

  test('warm: the first fills the prompt cache for the others', async () => {
    await using provider = await simulate({ ...quick, firstToken: 250 })
    const long = `${'A long review of a long trip. '.repeat(300)}It was great.`
    const questions = { one: { prompt: 'Sentiment?' }, two: { prompt: 'Summarize.' }, three: { prompt: 'Entities?' } }
    await perspectives(long, questions, { model: modelOf(provider) })
    expect(provider.stats().cachedTokens).toBe(0)
    provider.reset()
    await perspectives(long, questions, { model: modelOf(provider), warm: true })
    expect(provider.stats().cachedTokens).toBeGreaterThan(4_000)
  })

  test('one failure leaves the others: as outcomes, or with the error', async () => {
    const views = { good: () => 1, bad: () => Promise.reject(new Error('no')) }
    const settled = await perspectives('x', views, { onFailure: 'settle' })
    expect(settled).toMatchObject({ good: { status: 'fulfilled', value: 1 }, bad: { status: 'rejected' } })
    const error: unknown = await perspectives('x', views, { warm: true }).catch((reason: unknown) => reason)
    expect(partialResults(error)).toMatchObject({ results: { good: 1 }, completed: 1 })
    await expect(perspectives('x', { odd: { prompt: 'no model' } })).rejects.toThrow(/a `model` for view `odd`/)
    await expect(perspectives('x', { odd: 3 as never })).rejects.toThrow(InvalidOption)
  })
})

describe('vote', () => {
  test('the confidence is that of the beta criterion', () => {
    // 2305.11860: P(Beta(v1 + 1, v2 + 1) > 1/2); 4 to 0 gives 31/32, 1 to 0 gives 3/4, equal votes 1/2.
    expect(leadIsTrue(4, 0)).toBeCloseTo(31 / 32)
    expect(leadIsTrue(1, 0)).toBeCloseTo(3 / 4)
    expect(leadIsTrue(7, 7)).toBeCloseTo(1 / 2)
  })

  test('agreement ends it early, and never more samples are started than could be needed', async () => {
    let started = 0
    const { winner, samples, confidence } = await vote(
      async () => {
        started++
        await turns(2)
        return 'Yes '
      },
      { n: 16 },
    )
    expect([winner, samples, started]).toEqual(['Yes ', 3, 3])
    expect(confidence).toBeCloseTo(15 / 16)
  })

  test('disagreement takes all of them; failures are no votes', async () => {
    const result = await vote(({ index }) => (index === 5 ? Promise.reject(new Error('lost')) : index % 2 === 0 ? 'a' : 'b'), {
      n: 9,
    })
    expect(result.samples).toBe(9)
    expect(result.winner).toBe('a')
    expect(result.votes).toEqual([
      { answer: 'a', count: 5 },
      { answer: 'b', count: 3 },
    ])
    expect(result.failed).toHaveLength(1)
    await expect(vote(() => Promise.reject(new Error('all')), { n: 3 })).rejects.toThrow(QuorumNotReached)
    await expect(vote(() => 1, { n: 3, until: 0.2 })).rejects.toThrow(/`until` to be a probability from 0.5 to 1/)
  })

  test("'decided' gives the winner of all samples, whatever they are", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 15 }),
        fc.integer({ min: 1, max: 4 }),
        async (answers, concurrency) => {
          const sample = ({ index }: { index: number }): string => answers[index] as string
          const early = await vote(sample, { n: answers.length, until: 'decided', concurrency })
          const all = await vote(sample, { n: answers.length, until: 'all', concurrency })
          const count = (answer: string): number => answers.filter((one) => one === answer).length
          expect(count(early.winner)).toBe(count(all.winner))
          expect(early.samples).toBeLessThanOrEqual(answers.length)
        },
      ),
      { numRuns: runs(50, 200) },
    )
  })

  test('being cancelled cancels the samples', async () => {
    const controller = new AbortController()
    let aborted = 0
    const run = vote(
      ({ signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            aborted++
            reject(signal.reason as Error)
          })
        }),
      { n: 4, until: 'all', signal: controller.signal },
    )
    await turns(2)
    controller.abort()
    await expect(run).rejects.toThrow(Cancelled)
    expect(aborted).toBe(4)
  })
})

describe('best, synthesize, explore', () => {
  test('best of n ranks by score, and leaves out what fails', async () => {
    const sample = ({ index }: { index: number }): number => {
      if (index === 2) throw new Error('lost')
      return index
    }
    const result = await best(sample, { n: 5, score: (answer) => -Math.abs(answer - 3) })
    expect([result.best, result.ranked.map(({ answer }) => answer), result.failed.length]).toEqual([3, [3, 4, 1, 0], 1])
    await expect(best(() => Promise.reject(new Error('x')), { n: 2, score: () => 1 })).rejects.toThrow(QuorumNotReached)
  })

  test('synthesize combines the drafts that succeeded', async () => {
    const drafts = [() => 'a', () => Promise.reject(new Error('x')), () => 'c']
    expect(await synthesize(drafts, (texts) => texts.join('+'))).toBe('a+c')
    await expect(synthesize(drafts, String, { enough: 3 })).rejects.toThrow(/at least 3 of 3 drafts to succeed, got 2/)
  })

  /** From '' to the word that scores best, one letter per level: a beam of two finds it, greedy search does not. */
  test('explore keeps the best of each level', async () => {
    const worth: Record<string, number> = { a: 5, b: 4, aa: 5, ab: 5, ba: 9, bb: 1 }
    const options = {
      start: '',
      expand: (word: string) => ['a', 'b'].map((letter) => word + letter),
      score: (word: string) => worth[word] ?? 0,
      depth: 2,
    }
    expect(await explore({ ...options, width: 1 })).toMatchObject({ state: 'a', score: 5 })
    expect(await explore({ ...options, width: 2 })).toMatchObject({ state: 'ba', path: ['', 'b', 'ba'], explored: 6, levels: 2 })
  })

  test('explore follows equal states once, stops when done, and survives failures', async () => {
    const seen: number[] = []
    const result = await explore({
      start: 1,
      expand: (n) => {
        seen.push(n)
        if (n === 3) throw new Error('lost')
        return [n + 1, n * 2]
      },
      score: (n) => n,
      key: (n) => n,
      done: (n) => n >= 8,
      width: 4,
      depth: 20,
    })
    expect(new Set(seen).size).toBe(seen.length)
    expect(result.state).toBe(8)
    expect(result.failed).toHaveLength(1)
  })
})

describe('condense', () => {
  const documents = Array.from({ length: 12 }, (_, i) => ({
    id: `doc${i}`,
    text: `Chapter ${i} begins. ${'It goes on and on. '.repeat(30)}\n\nIt ends.`,
  }))

  test('never hands more than fits to a call, and says what the result rests on', async () => {
    const sizes: number[] = []
    const sized = (texts: readonly string[]): void => void sizes.push(texts.reduce((sum, text) => sum + estimateTokens(text), 0))
    const result = await condense(documents, {
      map: (part) => {
        sized([part.text])
        return `[${part.document}@${part.start}]`
      },
      reduce: (texts) => {
        sized(texts)
        return texts.join('').slice(0, 40)
      },
      maxTokens: 50,
    })
    expect(Math.max(...sizes)).toBeLessThanOrEqual(50)
    expect(result.levels).toBeGreaterThan(1)
    expect(result.parts.length).toBeGreaterThan(30)
    expect(result.references).toEqual(result.parts)
    for (const { document, start, end, text } of result.references) {
      expect(documents.find(({ id }) => id === document)?.text.slice(start, end)).toBe(text)
    }
  })

  test('parts that fail are named, or end it; what never gets shorter is an error; empty text is empty', async () => {
    const options = { reduce: (texts: readonly string[]) => texts.join(' ').slice(0, 20), maxTokens: 50 }
    const failing = (part: { index: number }): string => {
      if (part.index === 3) throw new Error('lost')
      return 'ok'
    }
    const result = await condense(documents, { ...options, map: failing, onFailure: 'settle' })
    expect(result.missing.map(({ part }) => part.index)).toEqual([3])
    expect(result.references.some(({ index }) => index === 3)).toBe(false)
    await expect(condense(documents, { ...options, map: failing })).rejects.toThrow('lost')
    const long = { map: () => 'x'.repeat(190), reduce: () => 'x'.repeat(190), maxTokens: 50 }
    await expect(condense(documents, long)).rejects.toThrow(Overflow)
    expect(await condense('', { ...options, map: () => 'x' })).toMatchObject({ text: '', levels: 0, parts: [] })
  })

  test('over a model, under a small context', async () => {
    await using provider = await simulate(quick)
    const model = modelOf(provider)
    const { text, references } = await condense(documents, {
      map: (part) => ask(model, `Summarize this:\n\n${part.text}`),
      reduce: (texts) => ask(model, `Combine these summaries:\n\n${texts.join('\n\n')}`, { maxOutputTokens: 60 }),
      maxTokens: 200,
    })
    expect(text).toContain('Chapter 0 begins.')
    expect(references.length).toBeGreaterThan(11)
  })
})
