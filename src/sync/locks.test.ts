import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Cancelled, InvalidOption, TimedOut } from '../base/errors.ts'
import { scope } from '../run/scope.ts'
import { type Lease, Mutex, ReadWriteLock, Semaphore } from './index.ts'
import { turn } from '../../test/support/turn.ts'
import { runs } from '../../test/support/runs.ts'

/** Whether the promise has settled after a turn of the event loop. */
async function settled(promise: Promise<unknown>): Promise<boolean> {
  let done = false
  promise.then(
    () => (done = true),
    () => (done = true),
  )
  await turn()
  return done
}

describe('Mutex', () => {
  test('lets one through at a time, first come first served', async () => {
    const mutex = new Mutex()
    const order: number[] = []
    let inside = 0
    const enter = (i: number) => async (): Promise<void> => {
      order.push(i)
      expect(++inside).toBe(1)
      await turn()
      inside--
    }
    await Promise.all([1, 2, 3, 4, 5].map((i) => mutex.runExclusive(enter(i))))
    expect(order).toEqual([1, 2, 3, 4, 5])
    expect(mutex.locked).toBe(false)
  })

  test('passes on what the function gives or throws, and is free afterwards', async () => {
    const mutex = new Mutex()
    expect(await mutex.runExclusive(() => 7)).toBe(7)
    await expect(mutex.runExclusive(() => Promise.reject(new Error('inside')))).rejects.toThrow('inside')
    expect(mutex.locked).toBe(false)
  })

  test('gives leases that are released once, by hand or at the end of a block', async () => {
    const mutex = new Mutex()
    const first = await mutex.acquire()
    const second = mutex.acquire()
    first.release()
    first.release()
    {
      using _lease = await second
      expect(mutex.locked).toBe(true)
      first.release()
      expect(mutex.locked).toBe(true)
      expect(mutex.tryAcquire()).toBeUndefined()
    }
    expect(mutex.locked).toBe(false)
    mutex.tryAcquire()?.release()
  })

  test('forgets a waiter that was aborted, and serves those behind it', async () => {
    const mutex = new Mutex({ name: 'orders' })
    const lease = await mutex.acquire()
    const controller = new AbortController()
    const aborted = mutex.acquire({ signal: controller.signal })
    const behind = mutex.acquire()
    controller.abort(new Error('enough'))
    await expect(aborted).rejects.toThrow('Waiting for "orders" was cancelled: enough')
    expect(mutex.waiting).toBe(1)
    lease.release()
    ;(await behind).release()
    await expect(mutex.acquire({ signal: controller.signal })).rejects.toBeInstanceOf(Cancelled)
    expect(mutex.locked).toBe(false)
  })

  test('stops waiting after the timeout', async () => {
    const mutex = new Mutex({ name: 'orders' })
    const lease = await mutex.acquire()
    await expect(mutex.acquire({ timeout: 20 })).rejects.toMatchObject({ name: 'TimedOut', clock: 'timeout', limitMs: 20 })
    expect(mutex.waiting).toBe(0)
    const inTime = mutex.acquire({ timeout: '1m' })
    lease.release()
    await inTime
  })

  test('stops waiting when the task that waits is cancelled', async () => {
    const mutex = new Mutex()
    using _held = await mutex.acquire()
    let error: unknown
    await scope(async (s) => {
      const waiting = s.fork(() => mutex.acquire())
      s.cancel('stop')
      error = await waiting.catch((reason: unknown) => reason)
    }).catch(() => {})
    expect(error).toBeInstanceOf(Cancelled)
    expect(mutex.waiting).toBe(0)
  })

  test('finds that it waits for itself', async () => {
    const mutex = new Mutex({ name: 'orders' })
    const inner = mutex.runExclusive(() => mutex.runExclusive(() => 'never'))
    await expect(inner).rejects.toThrow('Deadlock: the main program holds "orders" and waits for "orders" again')
    expect(mutex.locked).toBe(false)
  })

  test('refuses options that it does not know', () => {
    expect(() => new Mutex({ nam: 'x' } as never)).toThrow(InvalidOption)
    expect(() => new Mutex().acquire({ timeout: 'soon' as never })).toThrow(/`timeout`/)
    expect(() => new Mutex().runExclusive(undefined as never)).toThrow(/`fn` of runExclusive/)
  })
})

describe('Semaphore', () => {
  test('does not let those who want few overtake one who wants many', async () => {
    const semaphore = new Semaphore(3)
    const one = await semaphore.acquire()
    const all = semaphore.acquire({ count: 3 })
    const few = semaphore.acquire()
    expect(await settled(few)).toBe(false)
    expect(semaphore.tryAcquire()).toBeUndefined()
    one.release()
    const lease = await all
    expect(await settled(few)).toBe(false)
    lease.release()
    await few
  })

  test('serves those behind one who wants many, when that one leaves', async () => {
    const semaphore = new Semaphore(2)
    await semaphore.acquire()
    const controller = new AbortController()
    const heavy = semaphore.acquire({ count: 2, signal: controller.signal })
    const light = semaphore.acquire()
    controller.abort()
    await expect(heavy).rejects.toBeInstanceOf(Cancelled)
    expect(await settled(light)).toBe(true)
  })

  test('refuses a count above the capacity, and capacities below 1', () => {
    expect(() => new Semaphore(2).acquire({ count: 3 })).toThrow(/`count` of acquire to be at most 2/)
    for (const capacity of [0, -1, 1.5, Number.NaN, undefined, '3']) {
      expect(() => new Semaphore(capacity as number)).toThrow(InvalidOption)
    }
  })

  test('never gives more than it has, and is fair, whatever happens', async () => {
    const command = fc.oneof(
      fc.record({ kind: fc.constant('acquire' as const), count: fc.integer({ min: 1, max: 3 }) }),
      fc.record({ kind: fc.constant('release' as const), which: fc.nat() }),
      fc.record({ kind: fc.constant('abort' as const), which: fc.nat() }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 40 }), async (commands) => {
        const semaphore = new Semaphore(3)
        const held: { lease: Lease; count: number }[] = []
        let line: { count: number; controller: AbortController }[] = []
        let overtaken = 0
        for (const command of commands) {
          if (command.kind === 'acquire') {
            const waiter = { count: command.count, controller: new AbortController() }
            line.push(waiter)
            semaphore.acquire({ count: command.count, signal: waiter.controller.signal }).then(
              (lease) => {
                // Whoever is served stood at the head of the line.
                if (line.shift() !== waiter) overtaken++
                held.push({ lease, count: waiter.count })
              },
              () => (line = line.filter((other) => other !== waiter)),
            )
          } else if (command.kind === 'release') held.splice(command.which % (held.length || 1), 1)[0]?.lease.release()
          else line[command.which % (line.length || 1)]?.controller.abort()
          await turn()
          const used = held.reduce((sum, { count }) => sum + count, 0)
          expect(used + semaphore.free).toBe(3)
          expect([semaphore.waiting, overtaken]).toEqual([line.length, 0])
          // Nobody waits who could be served.
          expect(line[0]?.count ?? Number.POSITIVE_INFINITY).toBeGreaterThan(semaphore.free)
        }
      }),
      { numRuns: runs(60, 200) },
    )
  })
})

describe('ReadWriteLock', () => {
  test('lets readers in together, and writers alone', async () => {
    const lock = new ReadWriteLock({ name: 'config' })
    const [a, b] = [await lock.read(), await lock.read()]
    const writer = lock.write()
    expect(await settled(writer)).toBe(false)
    expect(lock.readers).toBe(2)
    a.release()
    b.release()
    const lease = await writer
    expect(lock.writing).toBe(true)
    expect(await settled(lock.read())).toBe(false)
    lease.release()
    await turn()
    expect(lock.readers).toBe(1)
  })

  test('keeps the order, so that neither side starves', async () => {
    const lock = new ReadWriteLock()
    const order: string[] = []
    const note = (what: string) => async (): Promise<void> => {
      order.push(what)
      await turn()
    }
    await Promise.all([
      lock.runRead(note('r1')),
      lock.runWrite(note('w1')),
      lock.runRead(note('r2')),
      lock.runRead(note('r3')),
      lock.runWrite(note('w2')),
    ])
    expect(order).toEqual(['r1', 'w1', 'r2', 'r3', 'w2'])
  })

  test('lets readers in when the writer before them gives up', async () => {
    const lock = new ReadWriteLock()
    await lock.read()
    const controller = new AbortController()
    const writer = lock.write({ signal: controller.signal })
    const reader = lock.read()
    expect(await settled(reader)).toBe(false)
    controller.abort()
    await expect(writer).rejects.toBeInstanceOf(Cancelled)
    await reader
    await expect(lock.write({ timeout: 1 })).rejects.toBeInstanceOf(TimedOut)
  })

  test('finds the reader who waits to write', async () => {
    const lock = new ReadWriteLock({ name: 'config' })
    await expect(lock.runRead(() => lock.runWrite(() => {}))).rejects.toThrow(/holds read-write lock "config" and waits for/)
    expect([lock.readers, lock.writing, lock.waiting]).toEqual([0, false, 0])
  })
})
