/** Which model is asked: orders, bounds, what a call needs, and figures that are forgotten. */
import { expect, test } from 'vitest'
import { InvalidOption } from '../../base/errors.ts'
import { Latency } from './latency.ts'
import { lacking, needsOf } from './needs.ts'
import { type Prefer, preferred, type PreferredModel, type Within } from './prefer.ts'

const call = { inputTokens: 100, maxOutputTokens: undefined, stream: false }

function model(name: string, figures: Partial<PreferredModel> = {}): PreferredModel {
  const latencyMs = figures.latencyMs
  return {
    name,
    modelId: name,
    load: 0,
    running: 0,
    latencyMs,
    expectedMs: latencyMs,
    usd: undefined,
    contextWindow: Infinity,
    ...figures,
  }
}

const models = [
  model('dear', { latencyMs: 100, usd: 0.03, load: 0.5 }),
  model('cheap', { latencyMs: 900, usd: 0.001, load: 0.9 }),
  model('middle', { latencyMs: 400, usd: 0.01, load: 0.1 }),
]
const order = (prefer: Prefer, within: Within = {}, of = models): readonly string[] =>
  preferred(of, call, prefer, within).map(({ name }) => name)

test.each<[Prefer, Within, string[]]>([
  ['first', {}, ['dear']],
  ['least-busy', {}, ['middle', 'dear', 'cheap']],
  ['cheapest', {}, ['cheap']],
  ['cheapest', { latencyMs: 500 }, ['middle']],
  ['cheapest', { latencyMs: 150 }, ['dear']],
  ['cheapest', { latencyMs: 10 }, ['dear']],
  ['fastest', {}, ['dear', 'middle', 'cheap']],
  ['fastest', { usd: 0.02 }, ['middle', 'cheap']],
  ['fastest', { usd: 0.0001 }, ['cheap']],
  ['first', { usd: 0.02 }, ['cheap']],
  [() => 'middle', {}, ['middle']],
  [() => ['cheap', 'gone', 'dear'], {}, ['cheap', 'dear']],
  [() => 'gone', {}, ['dear', 'cheap', 'middle']],
  [(all) => all.toSorted((a, b) => a.load - b.load).map(({ name }) => name), {}, ['middle', 'dear', 'cheap']],
])('%s within %j: %j', (prefer, within, names) => expect(order(prefer, within)).toEqual(names))

test('what was not measured lately is tried with one call, and not with more', () => {
  const fresh = [...models, model('new', { usd: 0.05 })]
  expect(order('fastest', {}, fresh)[0]).toBe('new')
  expect(order('fastest', {}, [...models, model('new', { running: 1 })]).at(-1)).toBe('new')
})

test('a function that gives something else is refused', () => {
  for (const wrong of [3, [3], null]) expect(() => order((() => wrong) as never)).toThrow(InvalidOption)
})

test('latencies are medians, and forgotten after a minute', () => {
  const latency = new Latency()
  for (const ms of [10, 30, 1_000]) latency.add('whole', ms, 0)
  expect([latency.medianMs('whole', 1), latency.medianMs('stream', 1), latency.medianMs('whole', 60_001)]).toEqual([
    30,
    undefined,
    undefined,
  ])
  latency.add('whole', 70, 100_000)
  expect(latency.medianMs('whole', 100_001)).toBe(70)
  for (let i = 0; i < 100; i++) latency.add('whole', 5, 100_002)
  expect(latency.medianMs('whole', 100_003)).toBe(5)
})

test('what a call needs, and what a model lacks', () => {
  const file = (mediaType: string) => ({ type: 'file', mediaType, data: 'x' })
  const needs = needsOf({
    prompt: [
      {
        role: 'user',
        content: [{ type: 'text', text: 'x' }, file('image/png'), file('application/pdf'), file('audio/wav'), null],
      },
      null,
    ],
    tools: [{ type: 'function', name: 'x' }],
    responseFormat: { type: 'json', schema: {} },
    maxOutputTokens: 9_000,
  })
  expect(new Set(needs.abilities)).toEqual(new Set(['tools', 'schema', 'images', 'files', 'audio']))
  expect(needsOf({ prompt: 'x', tools: [{ type: 'provider' }], responseFormat: { type: 'json' } }).abilities).toEqual([])
  const all = new Set(['tools', 'schema', 'images', 'files', 'audio'])
  expect(lacking({ abilities: all, maxOutput: undefined }, needs)).toBe(0)
  expect(lacking({ abilities: new Set(['tools', 'schema']), maxOutput: 8_000 }, needs)).toBe(4)
  expect(lacking({ abilities: undefined, maxOutput: undefined }, needs)).toBe(0)
})
