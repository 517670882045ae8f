import { signal } from '@preact/signals'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { asked } from './asked.ts'
import { heard } from './quiet.ts'

/** Answers that come when the test says so. */
function answers() {
  const open: { readonly question: number; resolve(text: string, version?: number): void; reject(error: unknown): void }[] = []
  return {
    open,
    ask: ({ version: question }: { readonly version: number }) =>
      new Promise<{ text: string; version: number }>((resolve, reject) =>
        open.push({ question, resolve: (text, version = question) => resolve({ text, version }), reject }),
      ),
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('one question at a time; of those that come meanwhile only the newest is asked', async () => {
  const question = signal<number | undefined>(1)
  const { open, ask } = answers()
  const { value, busy } = asked(() => (question.value === undefined ? undefined : { version: question.value }), ask)
  question.value = 2
  question.value = 3
  expect(open.map((asked) => asked.question)).toEqual([1])
  expect(busy.value).toBe(true)
  open[0]?.resolve('one')
  await turn()
  expect(value.value?.text).toBe('one')
  expect(open.map((asked) => asked.question)).toEqual([1, 3])
  open[1]?.resolve('three')
  await turn()
  expect([value.value?.text, busy.value]).toEqual(['three', false])
})

test('a failure is told and forgotten with the next answer; what was known stays', async () => {
  const question = signal<number | undefined>(1)
  const { open, ask } = answers()
  const { value, error } = asked(() => (question.value === undefined ? undefined : { version: question.value }), ask)
  open[0]?.resolve('one')
  await turn()
  question.value = 2
  open[1]?.reject('the server is gone')
  await turn()
  expect([value.value?.text, error.value?.message]).toEqual(['one', 'the server is gone'])
  question.value = 3
  open[2]?.resolve('three')
  await turn()
  expect([value.value?.text, error.value]).toEqual(['three', undefined])
})

test('no question, no answer: one that comes late is not shown', async () => {
  const question = signal<number | undefined>(1)
  const { open, ask } = answers()
  const { value } = asked(() => (question.value === undefined ? undefined : { version: question.value }), ask)
  question.value = undefined
  open[0]?.resolve('late')
  await turn()
  expect(value.value).toBeUndefined()
})

test('nothing is asked after stop', async () => {
  const question = signal<number | undefined>(1)
  const { open, ask } = answers()
  const { stop } = asked(() => (question.value === undefined ? undefined : { version: question.value }), ask)
  question.value = 2
  stop()
  open[0]?.resolve('one')
  await turn()
  question.value = 3
  expect(open).toHaveLength(1)
})

describe('an answer that is older than the question', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'clearInterval'] }))
  afterEach(() => void vi.useRealTimers())

  test.for([
    ['old', 3],
    ['new', 5],
  ] as const)('is shown, and asked for again; then %s comes', async ([text, version]) => {
    const { open, ask } = answers()
    const { value } = asked(() => ({ version: 5 }), ask)
    open[0]?.resolve('old', 3)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(open).toHaveLength(2)
    const shown = value.value
    expect(shown?.text).toBe('old')
    open[1]?.resolve(text, version)
    await turn()
    expect(value.value?.text).toBe(text)
    // The same answer again would be painted again.
    expect(value.value === shown).toBe(text === 'old')
  })

  test('is asked for again only when nothing is heard any more: a change will come', async () => {
    const { open, ask } = answers()
    asked(() => ({ version: 5 }), ask)
    open[0]?.resolve('old', 3)
    await vi.advanceTimersByTimeAsync(2_000)
    heard()
    await vi.advanceTimersByTimeAsync(7_900)
    expect(open).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(200)
    expect(open).toHaveLength(2)
  })

  test('leaves nothing waiting behind, however many there are', async () => {
    const question = signal(1)
    const { open, ask } = answers()
    const { stop } = asked(() => ({ version: 100 + question.value }), ask)
    for (let i = 0; i < 20; i++) {
      open[i]?.resolve('old', 3)
      await turn()
      question.value++
    }
    expect(vi.getTimerCount()).toBe(1)
    stop()
    expect(vi.getTimerCount()).toBe(0)
  })
})
