/** What a view shows crosses, and not the whole buffer behind it: to threads and processes, there and back. */
import { afterAll, describe, expect, test } from 'vitest'
import { map, processes, threads, transfer } from '../src/index.ts'
import { views } from './fixtures/views.ts'

const executors = { threads: threads({ size: 1 }), processes: processes({ size: 1 }) }
afterAll(() => Promise.all(Object.values(executors).map((on) => on.close({ graceMs: 0 }))))

describe.each(['threads', 'processes'] as const)('%s', (kind) => {
  const on = executors[kind]
  const one = async <T, R>(fn: (value: T) => Promise<R>, value: T): Promise<R> => (await map([value], fn, { on }))[0] as R
  const echo = async <T>(value: T): Promise<T> => (await one(views.echo, value)) as T

  test('arguments of every kind', async () => {
    const { buffer } = Float64Array.from({ length: 1_000 }, (_, i) => i)
    const parts = [
      new Uint8Array(buffer, 9, 7),
      new DataView(buffer, 9, 7),
      new BigInt64Array(buffer, 16, 2),
      new Float64Array(buffer, 16, 2),
      Buffer.from(buffer, 9, 7),
    ]
    for (const part of parts) {
      expect(await one(views.behind, part)).toBe(part.byteLength)
      const back = await echo({ part })
      expect(new Uint8Array(back.part.buffer, back.part.byteOffset, back.part.byteLength)).toEqual(
        new Uint8Array(buffer, part.byteOffset, part.byteLength),
      )
      expect(back.part.constructor).toBe(kind === 'threads' && Buffer.isBuffer(part) ? Uint8Array : part.constructor)
    }
  })

  test('parts of one buffer, as direct calls and in a map', async () => {
    const all = new Uint8Array(1_000_000)
    const parts = Array.from({ length: 200 }, (_, i) => all.subarray(i * 5_000, (i + 1) * 5_000))
    expect(new Set(await map(parts, views.behind, { on }))).toEqual(new Set([5_000]))
    expect(new Set(await Promise.all(parts.map((part) => views.behind(part))))).toEqual(new Set([5_000]))
  })

  test('results, also inside a value and inside an error', async () => {
    const given = (await map([0], views.give as never, { on }))[0] as unknown as Uint8Array
    expect([given.length, given[0], given.buffer.byteLength]).toEqual([10, 500_000 % 256, 10])
    const inside = (await map([0], views.giveInside as never, { on }))[0] as unknown as { deep: [Map<string, Uint8Array>] }
    expect(inside.deep[0].get('part')?.buffer.byteLength).toBe(10)
    const error = await map([0], views.throwPart as never, { on }).catch((thrown: unknown) => thrown)
    expect((error as { part: Uint8Array }).part).toEqual(Uint8Array.of(10, 11, 12, 13, 14, 15, 16, 17, 18, 19))
    expect((error as { part: Uint8Array }).part.buffer.byteLength).toBeLessThan(10_000)
  })

  test('views of the same bytes show the same bytes there', async () => {
    const all = new Uint8Array(10_000)
    const value = { first: all.subarray(100, 108), second: new Int32Array(all.buffer, 104, 2) }
    expect(await one(views.aliased, value)).toEqual([0x01010101, 0, 'one', 12])
    expect(all.every((byte) => byte === 0)).toBe(true)
  })

  test('a part that is marked to be moved takes its buffer with it', async () => {
    const part = new Uint8Array(10_000).fill(7).subarray(100, 108)
    expect(await echo(transfer(part))).toEqual(new Uint8Array(8).fill(7))
    expect(part.length).toBe(0)
  })

  test('an array buffer arrives beside its views', async () => {
    const buffer = Uint8Array.of(1, 2, 3, 4).buffer
    const back = await echo({ buffer, part: new Uint8Array(buffer, 1, 2) })
    expect([back.buffer.byteLength, ...back.part]).toEqual([4, 2, 3])
  })
})
