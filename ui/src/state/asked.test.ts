import { signal } from '@preact/signals'
import { expect, test } from 'vitest'
import { asked } from './asked.ts'

/** Answers that come when the test says so. */
function answers() {
  const open: { readonly question: number; resolve(answer: string): void; reject(error: unknown): void }[] = []
  return {
    open,
    ask: (question: number) => new Promise<string>((resolve, reject) => open.push({ question, resolve, reject })),
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('one question at a time; of those that come meanwhile only the newest is asked', async () => {
  const question = signal(1)
  const { open, ask } = answers()
  const { value, busy } = asked(() => question.value, ask)
  question.value = 2
  question.value = 3
  expect(open.map((asked) => asked.question)).toEqual([1])
  expect(busy.value).toBe(true)
  open[0]?.resolve('one')
  await turn()
  expect(value.value).toBe('one')
  expect(open.map((asked) => asked.question)).toEqual([1, 3])
  open[1]?.resolve('three')
  await turn()
  expect([value.value, busy.value]).toEqual(['three', false])
})

test('a failure is told and forgotten with the next answer; what was known stays', async () => {
  const question = signal(1)
  const { open, ask } = answers()
  const { value, error } = asked(() => question.value, ask)
  open[0]?.resolve('one')
  await turn()
  question.value = 2
  open[1]?.reject('the server is gone')
  await turn()
  expect([value.value, error.value?.message]).toEqual(['one', 'the server is gone'])
  question.value = 3
  open[2]?.resolve('three')
  await turn()
  expect([value.value, error.value]).toEqual(['three', undefined])
})

test('no question, no answer: one that comes late is not shown', async () => {
  const question = signal<number | undefined>(1)
  const { open, ask } = answers()
  const { value } = asked(() => question.value, ask)
  question.value = undefined
  open[0]?.resolve('late')
  await turn()
  expect(value.value).toBeUndefined()
})

test('nothing is asked after stop', async () => {
  const question = signal(1)
  const { open, ask } = answers()
  const { stop } = asked(() => question.value, ask)
  question.value = 2
  stop()
  open[0]?.resolve('one')
  await turn()
  question.value = 3
  expect(open).toHaveLength(1)
})
