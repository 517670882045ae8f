/** An error that comes from a worker tells both ways: where it was thrown there, and who called here. */
import { expect, test } from 'vitest'
import { all, graph, map, mapReduce, scope, stream, Unserializable, WorkerCrashed } from '../src/index.ts'
import { deaths } from './fixtures/deaths.ts'
import { failing, TooLarge } from './fixtures/failing.ts'

/** The lines of a stack after its message, without places: names of functions, `|` for the seam. */
async function told(run: () => Promise<unknown>): Promise<{ error: Error; lines: string[] }> {
  const error = await run().then(
    () => new Error('nothing was thrown'),
    (error: Error) => error,
  )
  return { error, lines: linesOf(error) }
}

function linesOf(error: Error): string[] {
  const lines = (error.stack ?? '').split('\n').filter((line) => /^ {4}/.test(line))
  return lines.map((line) => (line.includes('called from') ? '|' : (/at (?:async )?(\S+ ?\S*) \(/.exec(line)?.[1] ?? '(top)')))
}

async function caller(run: () => Promise<unknown>): Promise<void> {
  await run()
}
const thrown = ['tooLarge', 'Object.check']

test('a direct call', async () => {
  const { error, lines } = await told(() => caller(() => failing.check(13)))
  expect(error).toMatchObject({ name: 'RangeError', message: '13 is too large', limit: 12, cause: { message: 'by design' } })
  expect(error).toBeInstanceOf(RangeError)
  expect(error.constructor.name).toBe(TooLarge.name)
  expect(lines.slice(0, 4)).toEqual([...thrown, '|', 'caller'])
  expect(error.stack).toMatch(/failing\.ts:\d+[\s\S]*called from[\s\S]*worker-errors\.built\.test\.ts:\d+/)
})

test('calls that are awaited together', async () => {
  const { lines } = await told(() => caller(() => Promise.all([failing.check(1), failing.check(13), failing.check(2)])))
  expect(lines.slice(0, 5)).toEqual([...thrown, '|', 'Promise.all', 'caller'])
})

const ships = graph('ships')
const ship = ships.task('ship', { size: ships.task('size', () => 13) }, ({ size }) => failing.check(size))

test.each<[string, () => Promise<unknown>]>([
  ['map', () => map([1, 13], failing.check)],
  ['map with a policy', () => map([1, 13], failing.check, { queueTimeout: '1m' })],
  ['map over a function that calls one', () => map([13], (n) => failing.check(n))],
  ['mapReduce', () => mapReduce([1, 13], failing.check, (a, b) => a + b)],
  ['all', () => all({ small: () => failing.check(1), large: () => failing.check(13) })],
  ['a scope', () => scope((s) => s.fork(() => failing.check(13)))],
  ['a graph', () => ships.run(ship)],
])('%s', async (_, run) => {
  const { error, lines } = await told(() => caller(run))
  expect(lines.slice(0, 4)).toEqual([...thrown, '|', 'caller'])
  expect(error.stack?.match(/called from/g)).toHaveLength(1)
})

test('every failure of a settled run', async () => {
  const settled = async (): Promise<unknown[]> => {
    const { failed } = await map([13, 1, 14], failing.check, { onFailure: 'settle' })
    const [one] = await all([() => failing.check(13)], { onFailure: 'settle' })
    const outcome = await ships.run(ship, { onFailure: 'settle' })
    return [...failed.map(({ error }) => error), one, outcome].map((e) => (e as PromiseRejectedResult).reason ?? e)
  }
  const errors = (await settled()) as Error[]
  expect(errors).toHaveLength(4)
  for (const error of errors) expect(linesOf(error).slice(0, 4)).toEqual([...thrown, '|', 'settled'])
})

test('an error of heddle itself tells the caller only', async () => {
  const crash = await told(() => caller(() => deaths.before('exit')))
  expect(crash.error).toBeInstanceOf(WorkerCrashed)
  expect(crash.lines[0]).toBe('caller')
  const unclonable = await told(() => caller(() => failing.check((() => 1) as never)))
  expect(unclonable.error.message).toContain('argument 1 is a function')
  expect(unclonable.lines[0]).toBe('caller')
})

test('what is no error, or frozen, comes through as it is', async () => {
  expect(await failing.throwAnything().catch((thrown: unknown) => thrown)).toEqual({ odd: true })
})

test('a failure of a thousand calls is one rejection each, and none is unhandled', async () => {
  const unhandled: unknown[] = []
  const listen = (error: unknown): void => void unhandled.push(error)
  process.on('unhandledRejection', listen)
  const outcomes = await Promise.allSettled(Array.from({ length: 1_000 }, (_, n) => failing.check(n)))
  await new Promise((resolve) => setTimeout(resolve, 5))
  process.off('unhandledRejection', listen)
  expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(987)
  expect(unhandled).toEqual([])
})

// Messages that cannot be read are lost, and do not say what they were. 4,000 levels can be written there, and not read here.
const tooDeep = 4_000
test.each<readonly [string, () => Promise<unknown>]>([
  ['a direct call', () => failing.deep(tooDeep)],
  ['a map', () => map([1, tooDeep, 2], failing.deep)],
  ['a stream', () => stream([1, tooDeep]).map(failing.deep).toArray()],
])('a result that cannot be read here is the failure of its call: %s', async (_, call) => {
  const { error } = await told(() => caller(call))
  expect(error).toBeInstanceOf(Unserializable)
  expect(error.message).toMatch(/A result of "deep" cannot be read here: Maximum call stack/)
  expect(await failing.check(3)).toBe(3)
})

test('of many calls at once the others are not lost with it', async () => {
  const outcomes = await Promise.allSettled(Array.from({ length: 40 }, (_, i) => failing.deep(i === 7 ? tooDeep : 1)))
  expect(outcomes[7]?.status).toBe('rejected')
  const odd = outcomes.filter(({ status }, i) => status === 'rejected' && i !== 7) as PromiseRejectedResult[]
  // What was under way at the same worker.
  for (const { reason } of odd) expect(reason).toBeInstanceOf(Unserializable)
  expect(odd.length).toBeLessThan(39)
})
