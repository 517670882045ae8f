/** All interleavings with at most two preemptions of three threads with four operations each; and mutants, which must be caught. */
import { describe, expect, test } from 'vitest'
import { explore, type Limits, type Program } from '../../../test/support/interleavings.ts'
import * as real from './steps.ts'
import { firstCell, type Op, type Steps, wake } from './steps.ts'

const threads = [0, 1, 2]
const cell = firstCell
const load = (at: number): Op => ({ op: 'load', at })
const add = (at: number, value: number): Op => ({ op: 'add', at, value })
const exchange = (value: number): Op => ({ op: 'exchange', at: cell, value })
const swap = (expected: number, value: number): Op => ({ op: 'compareExchange', at: cell, expected, value })
const wait = (expected: number): Op => ({ op: 'wait', at: cell, expected })
const notify = (count = 1): Op => ({ op: 'notify', at: cell, count })

/** Each thread locks twice and counts inside, with a step in the middle in which others may come. */
function mutexProgram({ lock = real.lock, unlock = real.unlock }: Partial<typeof real> = {}): Program {
  let counted = 0
  let expected = 0
  function* thread(): Steps<void> {
    for (let i = 0; i < 2; i++) {
      if (!(yield* lock())) continue
      expected++
      const before = counted
      yield load(0)
      counted = before + 1
      yield* unlock()
    }
  }
  const atEnd = (): string | undefined => (counted === expected ? undefined : `counted ${counted} instead of ${expected}`)
  return { cells: [0, 0, 0, 0], threads: threads.map(thread), atEnd }
}

/** Three threads for fewer permits. */
function semaphoreProgram({ acquire = real.acquire, release = real.release }: Partial<typeof real> = {}, permits = 2): Program {
  const cells = [0, 0, permits, 0]
  let inside = 0
  function* thread(): Steps<void> {
    for (let i = 0; i < 2; i++) {
      if (!(yield* acquire())) continue
      if (++inside > permits) throw new Error('too many inside')
      yield load(0)
      inside--
      yield* release()
    }
  }
  const atEnd = (): string | undefined => (cells[2] === permits && cells[3] === 0 ? undefined : `left ${cells.slice(2).join()}`)
  return { cells, threads: threads.map(thread), atEnd }
}

/** Three threads meet four times. */
function barrierProgram({ arrive = real.arrive }: Partial<typeof real> = {}): Program {
  const arrivals = [0, 0, 0]
  const lasts = [0, 0, 0, 0]
  function* thread(me: number): Steps<void> {
    for (let round = 0; round < 4; round++) {
      arrivals[me] = round + 1
      const arrival = yield* arrive(3)
      if (arrival === 'last') lasts[round] = (lasts[round] as number) + 1
      if (arrivals.some((count) => count < round + 1)) throw new Error(`round ${round} is over too early`)
    }
  }
  const atEnd = (): string | undefined => (lasts.every((count) => count === 1) ? undefined : `leaders ${lasts.join()}`)
  return { cells: [0, 0, 0, 0], threads: threads.map(thread), atEnd }
}

/** A thread that gives up comes again until the round is over. */
function impatientBarrierProgram({ arrive = real.arrive }: Partial<typeof real> = {}): Program {
  const arrived = [0, 0, 0]
  function* thread(me: number): Steps<void> {
    arrived[me] = 1
    while ((yield* arrive(3)) === 'gone');
    if (arrived.includes(0)) throw new Error('over too early')
  }
  return { cells: [0, 0, 0, 0], threads: threads.map(thread) }
}

const plain: Limits = { preemptions: 2 }
const blocking: Limits = { preemptions: 1, giveUps: 1, givenUp: 'leaves' }
const waiting: Limits = { preemptions: 1, giveUps: 1, givenUp: 'passes on' }

describe.each([
  ['the mutex', mutexProgram],
  ['the semaphore', semaphoreProgram],
  ['the barrier', barrierProgram],
] as const)('%s', (_name, program) => {
  test('loses nothing, doubles nothing and is never stuck', () => {
    const verdict = explore(program, plain)
    expect(verdict.failure).toBeUndefined()
    expect(verdict.executions).toBeGreaterThan(1_000)
  })
})

describe.each([
  ['the mutex', mutexProgram],
  ['the semaphore', semaphoreProgram],
  ['the barrier', impatientBarrierProgram],
] as const)('%s, when waiters give up', (_name, program) => {
  test('serves the others, on threads that block and threads that do not', () => {
    expect(explore(program, blocking).failure).toBeUndefined()
    expect(explore(program, waiting).failure).toBeUndefined()
  })
})

const [locked, contended] = [1, 2]

const mutants: [name: string, program: () => Program, limits?: Limits][] = [
  [
    'a mutex that looks, and then locks',
    () =>
      mutexProgram({
        *lock() {
          while ((yield load(cell)) !== 0) yield wait(contended)
          yield exchange(contended)
          return true
        },
      }),
  ],
  [
    'a mutex that forgets the others after it slept',
    () =>
      mutexProgram({
        *lock() {
          if ((yield swap(0, locked)) === 0) return true
          while ((yield exchange(contended)) !== 0) {
            yield wait(contended)
            if ((yield swap(0, locked)) === 0) return true
          }
          return true
        },
      }),
  ],
  [
    'a mutex that trusts its awakening',
    () =>
      mutexProgram({
        *lock() {
          if ((yield swap(0, locked)) === 0) return true
          if ((yield exchange(contended)) !== 0) yield wait(contended)
          return true
        },
      }),
  ],
  [
    'a mutex that wakes nobody',
    () =>
      mutexProgram({
        *unlock() {
          yield exchange(0)
        },
      }),
  ],
  [
    'a mutex that wakes before it unlocks',
    () =>
      mutexProgram({
        *unlock() {
          if ((yield load(cell)) === contended) yield notify()
          yield exchange(0)
        },
      }),
  ],
  [
    'a semaphore that looks, and then takes',
    () =>
      semaphoreProgram(
        {
          *acquire() {
            while (true) {
              if ((yield load(cell)) > 0) {
                yield add(cell, -1)
                return true
              }
              yield add(cell + 1, 1)
              yield wait(0)
              yield add(cell + 1, -1)
            }
          },
        },
        1,
      ),
  ],
  [
    'a semaphore whose sleepers are counted too late',
    () =>
      semaphoreProgram({
        *acquire() {
          while (!(yield* real.tryAcquire())) {
            yield wait(0)
            yield add(cell + 1, 1)
            yield add(cell + 1, -1)
          }
          return true
        },
      }),
  ],
  [
    'a semaphore that looks for sleepers before it gives back',
    () =>
      semaphoreProgram({
        *release() {
          const sleepers = yield load(cell + 1)
          yield add(cell, 1)
          if (sleepers > 0) yield notify()
        },
      }),
  ],
  [
    'a barrier that wakes one only',
    () =>
      barrierProgram({
        *arrive(parties) {
          const steps = real.arrive(parties)
          let next = steps.next()
          while (!next.done) next = steps.next(yield next.value.op === 'notify' ? notify(1) : next.value)
          return next.value
        },
      }),
  ],
  [
    'a barrier that takes any change for the end of the round',
    () =>
      barrierProgram({
        *arrive(parties) {
          const state = (yield add(cell, 1)) + 1
          if ((state & 0xffff) === parties) {
            yield add(cell, 0x10000 - parties)
            yield notify(Number.POSITIVE_INFINITY)
            return 'last'
          }
          yield wait(state)
          return 'released'
        },
      }),
  ],
  [
    'a barrier that turns to the next round in two steps',
    () =>
      barrierProgram({
        *arrive(parties) {
          const round = (yield load(cell)) >>> 16
          if (((yield add(cell, 1)) & 0xffff) + 1 === parties) {
            yield add(cell, 0x10000)
            yield notify(Number.POSITIVE_INFINITY)
            yield exchange((round + 1) << 16)
            return 'last'
          }
          for (let state = yield load(cell); state >>> 16 === round; state = yield load(cell)) yield wait(state)
          return 'released'
        },
      }),
  ],
  [
    'a barrier that takes back an arrival of a round that is over',
    () =>
      impatientBarrierProgram({
        *arrive(parties) {
          const steps = real.arrive(parties)
          let next = steps.next()
          while (!next.done) {
            const result = yield next.value
            if (next.value.op === 'wait' && result === wake.gaveUp) {
              yield add(cell, -1)
              return 'gone'
            }
            next = steps.next(result)
          }
          return next.value
        },
      }),
    blocking,
  ],
  ['a waiter that gave up and keeps a notification', mutexProgram, { ...waiting, givenUp: 'keeps' }],
]

describe('the mutant', () => {
  test.each(mutants)('%s is caught', (_name, program, limits = plain) => {
    expect(explore(program, limits).failure).toBeDefined()
  })
})
