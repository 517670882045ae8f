import { PassThrough, Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { ReadableStream, TransformStream } from 'node:stream/web'
import { expect, test } from 'vitest'
import { Planted } from './operators.fixture.ts'
import { range, Tally } from './stream.fixture.ts'
import { stream } from './stream.ts'

test('from Node and back, byte for byte', async () => {
  const text = 'a line\n'.repeat(20_000)
  const chunks = stream<Buffer>(Readable.from([Buffer.from(text)]).pipe(new PassThrough({ highWaterMark: 1_000 })))
    .map(async (chunk) => chunk.toString().toUpperCase())
    .toNode()
  let got = ''
  await pipeline(
    chunks,
    new Transform({
      objectMode: true,
      transform(chunk: string, _, done) {
        got += chunk
        done()
      },
    }),
  )
  expect(got).toBe(text.toUpperCase())
})

test('from the web and back', async () => {
  const source = new ReadableStream<number>({
    start(controller) {
      for (const i of range(50)) controller.enqueue(i)
      controller.close()
    },
  })
  const doubled = new TransformStream<number, number>({ transform: (x, controller) => controller.enqueue(x * 2) })
  const out = stream(source)
    .map(async (x) => x + 1)
    .toWeb()
    .pipeThrough(doubled)
  const got: number[] = []
  for await (const x of out) got.push(x)
  expect(got).toEqual(range(50).map((x) => (x + 1) * 2))
  expect(source.locked).toBe(true)
})

test('failures arrive on the other side', async () => {
  const failing = () =>
    stream(range(5)).map((x) => {
      if (x === 3) throw new Planted('at 3')
      return x
    })
  const seen: number[] = []
  await expect(
    (async () => {
      for await (const x of failing().toNode()) seen.push(x as number)
    })(),
  ).rejects.toThrow('at 3')
  await expect(
    (async () => {
      for await (const x of failing().toWeb()) seen.push(x)
    })(),
  ).rejects.toThrow('at 3')
  expect(seen.slice(0, 2)).toEqual([0, 1])
  const broken = new ReadableStream<number>({
    pull() {
      throw new Planted('no more')
    },
  })
  await expect(stream(broken).toArray()).rejects.toThrow('no more')
  await expect(stream(Readable.from(failing())).toArray()).rejects.toThrow('at 3')
})

test('a reader that is slow holds the source back, through both kinds of stream', async () => {
  for (const kind of ['node', 'web'] as const) {
    const tally = new Tally()
    const items = stream(tally.source(100)).map(async (x) => x, { concurrency: 2, buffer: 1 })
    for await (const _ of (kind === 'node' ? items.toNode() : items.toWeb()) as AsyncIterable<number>) {
      tally.consumed++
      for (let turns = 0; turns < 60; turns++) await undefined
    }
    expect(tally.consumed).toBe(100)
    // Two under way, one that waits, one about to start, and what the two ends of the adapter hold.
    expect(tally.most).toBeLessThanOrEqual(6)
  }
})

test('a stream is a source of another one, and of `map`', async () => {
  const inner = stream([1, 2, 3]).map(async (x) => x * 2)
  expect(
    await stream(inner)
      .map((x) => x + 1)
      .toArray(),
  ).toEqual([3, 5, 7])
})

test('a stream that is locked is refused in words', async () => {
  const locked = new ReadableStream<number>()
  locked.getReader()
  await expect(stream(locked).toArray()).rejects.toThrow(/locked/)
})
