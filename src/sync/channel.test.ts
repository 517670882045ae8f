import fc from 'fast-check'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { Cancelled, Closed, InvalidOption, TimedOut } from '../base/errors.ts'
import { all } from '../run/all.ts'
import { Channel, select } from './index.ts'
import { turn } from '../../test/support/turn.ts'
import { runs } from '../../test/support/runs.ts'

async function collect<T>(channel: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = []
  for await (const item of channel) items.push(item)
  return items
}

describe('Channel', () => {
  test('keeps the order, and gives every item to exactly one receiver', async () => {
    const channel = new Channel<number>({ capacity: 4 })
    const taken: number[][] = [[], [], []]
    const send = async (from: number): Promise<void> => {
      for (let i = 0; i < 100; i++) await channel.send(from + i)
    }
    const receive = async (into: number[]): Promise<void> => {
      for await (const item of channel) {
        into.push(item)
        await turn()
      }
    }
    await all({
      send: async () => (await Promise.all([send(0), send(1_000)]), channel.close()),
      receive: () => Promise.all(taken.map(receive)),
    })
    const items = taken.flat()
    expect(new Set(items).size).toBe(200)
    for (const list of taken) {
      for (const sender of [0, 1]) {
        const own = list.filter((item) => Math.floor(item / 1_000) === sender)
        expect(own).toEqual([...own].sort((a, b) => a - b))
      }
    }
  })

  test('makes a sender 100 times faster than the receiver wait', async () => {
    const channel = new Channel<number>({ capacity: 10 })
    let most = 0
    let sentAhead = 0
    let received = 0
    await all([
      async () => {
        for (let i = 0; i < 1_000; i++) {
          await channel.send(i)
          most = Math.max(most, channel.size)
          sentAhead = Math.max(sentAhead, i + 1 - received)
        }
        channel.close()
      },
      async () => {
        for await (const _item of channel) {
          received++
          // A hundred microtasks: each is time enough for the sender to send.
          for (let i = 0; i < 100; i++) await undefined
        }
      },
    ])
    expect(received).toBe(1_000)
    expect(most).toBe(10)
    // Inside, the one in the receiver's hand, and the one that was just handed over.
    expect(sentAhead).toBeLessThanOrEqual(12)
  })

  test('without room, hands over from hand to hand', async () => {
    const channel = new Channel<string>()
    const sent = channel.send('a')
    let over = false
    void sent.then(() => (over = true))
    await turn()
    expect([over, channel.sending, channel.size]).toEqual([false, 1, 0])
    expect(channel.trySend('b')).toBe(false)
    expect(await channel.receive()).toBe('a')
    await sent
    expect(channel.tryReceive()).toBeUndefined()
    const received = channel.receive()
    expect(channel.trySend('c')).toBe(true)
    expect(await received).toBe('c')
  })

  test('when closed, gives what is inside, and then says so', async () => {
    const channel = new Channel<number>({ capacity: 2, name: 'jobs' })
    await channel.send(1)
    await channel.send(2)
    const stuck = channel.send(3)
    channel.close()
    channel.close(new Error('too late'))
    await expect(stuck).rejects.toThrow('Channel "jobs" is closed')
    await expect(channel.send(4)).rejects.toBeInstanceOf(Closed)
    expect(() => channel.trySend(4)).toThrow(Closed)
    expect(await collect(channel)).toEqual([1, 2])
    await expect(channel.receive()).rejects.toBeInstanceOf(Closed)
    expect(channel.tryReceive()).toBeUndefined()
  })

  test('when closed for a reason, fails iterations with it', async () => {
    const channel = new Channel<number>({ capacity: 1 })
    const reason = new Error('disk full')
    const waiting = channel.receive()
    const iterating = collect(channel)
    channel.close(reason)
    await expect(waiting).rejects.toMatchObject({ code: 'HEDDLE_CLOSED', cause: reason })
    await expect(iterating).rejects.toThrow('A channel without a name is closed: disk full')
  })

  test('stays open when an iteration breaks off', async () => {
    const channel = new Channel<number>({ capacity: 3 })
    for (const i of [1, 2, 3]) await channel.send(i)
    for await (const item of channel) if (item === 2) break
    expect(channel.closed).toBe(false)
    expect(await channel.receive()).toBe(3)
  })

  test('ends waits by timeout and signal, and loses nothing', async () => {
    const channel = new Channel<number>({ capacity: 1 })
    await expect(channel.receive({ timeout: 1 })).rejects.toBeInstanceOf(TimedOut)
    await channel.send(1)
    const controller = new AbortController()
    const aborted = channel.send(2, { signal: controller.signal })
    const behind = channel.send(3)
    controller.abort()
    await expect(aborted).rejects.toBeInstanceOf(Cancelled)
    expect([await channel.receive(), await channel.receive()]).toEqual([1, 3])
    await behind
    expect(() => new Channel({ capacity: -1 })).toThrow(InvalidOption)
  })

  test('holds many items when it may', async () => {
    const channel = new Channel<number>({ capacity: Infinity })
    for (let i = 0; i < 1_000; i++) expect(channel.trySend(i)).toBe(true)
    expect(channel.size).toBe(1_000)
    channel.close()
    expect(await collect(channel)).toEqual(Array.from({ length: 1_000 }, (_, i) => i))
  })
})

describe('select', () => {
  test('does the one thing that is possible', async () => {
    const [jobs, results] = [new Channel<string>({ capacity: 1 }), new Channel<number>({ capacity: 1 })]
    await results.send(1)
    await jobs.send('job')
    const chosen = await select({ job: jobs.receiveCase(), out: results.sendCase(2) })
    expectTypeOf(chosen.key).toEqualTypeOf<'job' | 'out'>()
    if (chosen.key === 'job') expectTypeOf(chosen.value).toEqualTypeOf<string | undefined>()
    expect(chosen).toEqual({ key: 'job', value: 'job', done: false })
    results.tryReceive()
    expect(await select([jobs.receiveCase(), results.sendCase(2)])).toEqual({ key: 1, value: undefined, done: false })
    expect(results.tryReceive()).toEqual({ value: 2 })
  })

  test('waits for the first, and leaves nothing behind in the others', async () => {
    const [a, b] = [new Channel<string>(), new Channel<string>()]
    const chosen = select({ a: a.receiveCase(), b: b.receiveCase() })
    await turn()
    expect([a.receiving, b.receiving]).toEqual([1, 1])
    expect(b.trySend('x')).toBe(true)
    expect([a.receiving, b.receiving, a.trySend('lost')]).toEqual([0, 0, false])
    expect(await chosen).toEqual({ key: 'b', value: 'x', done: false })
  })

  test('does not deal with itself', async () => {
    const channel = new Channel<number>()
    const chosen = select([channel.sendCase(1), channel.receiveCase()])
    await turn()
    expect([channel.sending, channel.receiving]).toEqual([1, 1])
    const other = select([channel.receiveCase(), channel.sendCase(2)])
    const [mine, theirs] = await Promise.all([chosen, other])
    expect([mine.value, theirs.value].filter((value) => value !== undefined)).toHaveLength(1)
    expect([channel.sending, channel.receiving]).toEqual([0, 0])
  })

  test('tells when a channel is closed', async () => {
    const [a, b] = [new Channel<string>(), new Channel<string>()]
    const chosen = select({ a: a.receiveCase(), b: b.receiveCase() })
    a.close()
    expect(await chosen).toEqual({ key: 'a', done: true, value: undefined })
    await expect(select([a.sendCase('x')])).rejects.toBeInstanceOf(Closed)
    const sending = select([b.sendCase('x')])
    await turn()
    b.close()
    await expect(sending).rejects.toBeInstanceOf(Closed)
  })

  test('ends by timeout and signal', async () => {
    const channel = new Channel<string>()
    await expect(select([channel.receiveCase()], { timeout: 1 })).rejects.toThrow('Waited for select longer than 1.00 ms')
    const controller = new AbortController()
    const chosen = select([channel.receiveCase()], { signal: controller.signal })
    controller.abort()
    await expect(chosen).rejects.toBeInstanceOf(Cancelled)
    expect(channel.receiving).toBe(0)
    await expect(select([channel.receiveCase()], { signal: controller.signal })).rejects.toBeInstanceOf(Cancelled)
    await expect(select([])).rejects.toThrow(/at least one case/)
    await expect(select([channel as never])).rejects.toThrow(/made by receiveCase/)
  })

  test('chooses fairly among those that are ready', async () => {
    const channels = [1, 2, 3].map(() => new Channel<number>({ capacity: Infinity }))
    for (const channel of channels) for (let i = 0; i < 600; i++) channel.trySend(i)
    const chosen = [0, 0, 0]
    for (let i = 0; i < 600; i++) {
      const { key } = await select(channels.map((c) => c.receiveCase()))
      chosen[key] = (chosen[key] as number) + 1
    }
    // Each is chosen 200 times on average; below 100 has a probability under 10⁻¹⁵.
    for (const count of chosen) expect(count).toBeGreaterThan(100)
  })

  test('loses and doubles nothing, whoever sends and receives in whatever way', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 3 }),
        fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
        fc.scheduler(),
        async (capacity, selects, s) => {
          const [a, b] = [new Channel<number>({ capacity }), new Channel<number>({ capacity })]
          const received: number[] = []
          const pause = (): Promise<void> => s.schedule(Promise.resolve())
          const sender = async (from: number, viaSelect: boolean): Promise<void> => {
            for (let i = 0; i < 5; i++) {
              await pause()
              if (viaSelect) await select([a.sendCase(from + i), b.sendCase(from + i)])
              else await a.send(from + i)
            }
          }
          const receiver = async (viaSelect: boolean): Promise<void> => {
            for (let i = 0; i < 5; i++) {
              await pause()
              if (viaSelect) received.push((await select([a.receiveCase(), b.receiveCase()])).value as number)
              else received.push(await a.receive())
            }
          }
          const senders = [sender(0, selects[0] as boolean), sender(10, selects[1] as boolean)]
          // Whatever the plain receivers leave in b has to be fetched by somebody.
          const receivers = [receiver(true), receiver((selects[2] as boolean) || selects.slice(0, 2).includes(true))]
          const whole = Promise.all([...senders, ...receivers])
          await s.waitFor(whole)
          received.push(...[a, b].flatMap((c) => c.tryReceive()?.value ?? []))
          expect(received.sort((x, y) => x - y)).toEqual([0, 1, 2, 3, 4, 10, 11, 12, 13, 14])
        },
      ),
      { numRuns: runs(60, 200) },
    )
  })
})
