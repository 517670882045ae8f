import { describe, expect, test } from 'vitest'
import { InvalidOption } from '../base/errors.ts'
import { map } from './map.ts'
import { end, type Input, sourceOf } from './source.ts'

async function drain<T>(input: Input<T>): Promise<T[]> {
  const source = sourceOf(input, 'test')
  const items: T[] = []
  for (let item = await source.pull(); item !== end; item = await source.pull()) items.push(item)
  expect(await source.pull()).toBe(end)
  return items
}

async function* later<T>(items: Iterable<T>, closed: () => void = () => {}): AsyncGenerator<T> {
  try {
    yield* items
  } finally {
    closed()
  }
}

describe('a source', () => {
  test.each<[string, Input<number>, number]>([
    ['array', [1, 2, 3], 3],
    ['typed array', Uint8Array.of(1, 2, 3), 3],
    ['set', new Set([1, 2, 3]), 3],
    ['generator', [1, 2, 3].values(), Number.POSITIVE_INFINITY],
    ['array-like', { length: 3, 0: 1, 1: 2, 2: 3 }, 3],
    ['async generator', later([1, 2, 3]), Number.POSITIVE_INFINITY],
  ])('of an %s', async (_, input, size) => {
    expect(sourceOf(input, 'test').size).toBe(size)
    expect(await drain(input)).toEqual([1, 2, 3])
  })

  test.each([null, undefined, 7, 'text', {}, () => {}])('is none of %j', (input) => {
    expect(() => sourceOf(input as never, 'map')).toThrow(InvalidOption)
  })

  test('says what to do with text', () => {
    expect(() => sourceOf('text' as never, 'map')).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('[...text]') }),
    )
  })

  test('asks an async iterator for one item at a time', async () => {
    let [asked, most, next] = [0, 0, 0]
    const iterator = {
      async next() {
        most = Math.max(most, ++asked)
        await undefined
        asked--
        return { done: next === 5, value: next++ } as IteratorResult<number>
      },
    }
    const source = sourceOf({ [Symbol.asyncIterator]: () => iterator }, 'test')
    expect(await Promise.all([1, 2, 3, 4, 5].map(() => source.pull()))).toEqual([0, 1, 2, 3, 4])
    expect(most).toBe(1)
  })

  test('is closed once, and its cleaning up is waited for', async () => {
    const seen: string[] = []
    async function* slow(): AsyncGenerator<number> {
      try {
        yield 1
        yield 2
      } finally {
        await new Promise((resolve) => setImmediate(resolve))
        seen.push('closed')
      }
    }
    const source = sourceOf(slow(), 'test')
    await source.pull()
    await Promise.all([source.close(), source.close()])
    expect(seen).toEqual(['closed'])
    expect(await source.pull()).toBe(end)
  })

  test('releases those who wait for an item that never comes', async () => {
    const source = sourceOf({ [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) }, 'test')
    const waiting = source.pull()
    await source.close()
    expect(await waiting).toBe(end)
  })

  test('may be closed from its own code', async () => {
    let closed = 0
    const stop = new AbortController()
    function* numbers(): Generator<number> {
      try {
        yield 1
        stop.abort('from within')
        yield 2
      } finally {
        closed++
      }
    }
    await expect(map(numbers(), (n) => n, { signal: stop.signal, concurrency: 1 })).rejects.toMatchObject({ name: 'Cancelled' })
    expect(closed).toBe(1)
  })
})
