import { afterEach, expect, test } from 'vitest'
import { map } from '../../run/map.ts'
import { all } from '../../run/all.ts'
import { taskError } from '../model/trace.ts'
import { Recorder } from './recorder.ts'

let recorder: Recorder
afterEach(() => recorder.end())

const underWay = () => recorder.open.list().map(({ run, name, index, state }) => [name ?? run.name, index, state])

test('tasks of lanes and others are under way from their start to their end, also for who comes later', async () => {
  recorder = new Recorder({ name: 'live', live: true })
  const gates = new Map<number, () => void>()
  const wait = (i: number) => new Promise<void>((resolve) => gates.set(i, resolve))
  const mapped = map(
    [0, 1, 2, 3],
    async function item(i) {
      if (i === 1) throw new Error('one')
      await wait(i)
    },
    { concurrency: 2, onFailure: 'settle' },
  )
  await new Promise(setImmediate)
  const named = all({ named: () => wait(9) })
  await new Promise(setImmediate)
  expect(underWay()).toEqual([
    ['named', 0, 'running'],
    ['item', 0, 'running'],
    ['item', 2, 'running'],
  ])
  const later = new Recorder({ name: 'later', live: true })
  expect(later.open.list().map(({ index }) => index)).toEqual([0, 2])
  expect(new Recorder({ name: 'not live' }).open.list()).toEqual([])
  gates.get(2)?.()
  gates.get(9)?.()
  await named
  expect(underWay()).toEqual([
    ['item', 0, 'running'],
    ['item', 3, 'running'],
  ])
  gates.get(0)?.()
  gates.get(3)?.()
  await mapped
  expect(later.end().tasks.count).toBe(4)
  expect(underWay()).toEqual([])
  expect(recorder.open.list()).toEqual([])
})

test('what is under way at the end gets a row as it stands', async () => {
  recorder = new Recorder({ name: 'live', live: true })
  void map([7, 8], async function never() {
    await new Promise(() => {})
  })
  await new Promise(setImmediate)
  const { tasks, runs } = recorder.end()
  expect([...tasks.index]).toEqual([0, 1])
  expect([...tasks.run]).toEqual([runs.id[0], runs.id[0]])
  expect(tasks.settledAt[0]).toBeGreaterThan(0)
  expect(recorder.open.list()).toEqual([])
})

test('a task that throws nothing at all says so', async () => {
  recorder = new Recorder({ name: 'live' })
  await map([1], async () => Promise.reject(undefined), { onFailure: 'settle' })
  expect(taskError(recorder.end(), 0)).toEqual({ name: 'Thrown', message: 'undefined' })
})
