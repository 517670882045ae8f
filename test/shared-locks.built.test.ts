/** The shared locks between real threads; all their interleavings are in src/sync/shared/steps.test.ts. */
import { afterAll, expect, test } from 'vitest'
import { Cancelled, map, threads, TimedOut, WorkerCrashed } from '../src/index.ts'
import { SharedBarrier, SharedMutex, SharedSemaphore } from '../src/sync/index.ts'
import { type Shared, sharing } from './fixtures/sharing.ts'

const size = 4
const executor = threads({ size })
afterAll(() => executor.close({ graceMs: 0 }))
const on = { on: executor, concurrency: size }
const newCells = (): Int32Array => new Int32Array(new SharedArrayBuffer(4 * size))
/** As many of the same work as there are threads; half of them block their thread, half do not. */
const work = (lock: SharedArrayBuffer, cells: Int32Array, times: number): Shared[] =>
  Array.from({ length: size }, (_, i) => ({ lock, cells, times, blocking: i % 2 === 0 }))

test('a mutex keeps threads apart, whether they block or await', async () => {
  const cells = newCells()
  const mutex = new SharedMutex()
  const times = 5_000
  const counting = map(work(mutex.shared, cells, times), sharing.count, on)
  // This thread takes part.
  for (let i = 0; i < 200; i++) await mutex.runExclusive(() => (cells[0] = (cells[0] as number) + 1))
  await counting
  expect(cells[0]).toBe(size * times + 200)
  expect(mutex.tryAcquire()).toBeDefined()
})

test('a semaphore lets no more in than it has permits', async () => {
  const semaphore = new SharedSemaphore(2)
  const most = await map(work(semaphore.shared, newCells(), 3_000), sharing.enter, on)
  expect(Math.max(...most)).toBeLessThanOrEqual(2)
  expect(semaphore.free).toBe(2)
})

test('a barrier lets nobody go before all are there, round after round', async () => {
  const barrier = new SharedBarrier(size)
  const rounds = 500
  const met = await map(work(barrier.shared, newCells(), rounds), sharing.meet, on)
  expect(met.map(({ early }) => early)).toEqual([0, 0, 0, 0])
  expect(met.reduce((sum, { last }) => sum + last, 0)).toBe(rounds)
})

test('a wait for a lock of another thread ends by timeout, by signal, and when it is given back', async () => {
  const mutex = new SharedMutex()
  const cells = newCells()
  const holding = map([{ lock: mutex.shared, cells, times: 1, blocking: true }], sharing.hold, on)
  while (Atomics.load(cells, 0) === 0) await new Promise((resolve) => setTimeout(resolve, 1))
  expect(mutex.tryAcquire()).toBeUndefined()
  await expect(mutex.acquire({ timeout: 20 })).rejects.toBeInstanceOf(TimedOut)
  const stop = new AbortController()
  const waiting = mutex.acquire({ signal: stop.signal })
  const patient = mutex.acquire()
  stop.abort()
  await expect(waiting).rejects.toBeInstanceOf(Cancelled)
  Atomics.store(cells, 1, 1)
  Atomics.notify(cells, 1)
  ;(await patient).release()
  await holding
})

test('a thread that dies with a lock leaves it locked, and a timeout ends the wait', async () => {
  const mutex = new SharedMutex()
  const dying = map([{ lock: mutex.shared, cells: newCells(), times: 1, blocking: true }], sharing.die, on)
  await expect(dying).rejects.toBeInstanceOf(WorkerCrashed)
  await expect(mutex.acquire({ timeout: 20 })).rejects.toBeInstanceOf(TimedOut)
})

test('the main thread is never blocked', () => {
  expect(() => new SharedMutex().acquireSync()).toThrow('A shared lock cannot block the main thread')
})
