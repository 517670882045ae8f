import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { afterEach, expect, test } from 'vitest'
import { executingWorkers } from '../../base/executing.ts'
import { childrenRow } from './rows.ts'
import { ProcessorTimes } from './times.ts'

const times = new ProcessorTimes(20)
const linux = times.byThread
afterEach(() => times.leave())

const files = (): number => readdirSync('/proc/self/fd').length

test('drops the rows of workers that have ended, after a while', async () => {
  times.enter()
  for (let row = 1_001; row <= 1_050; row++) {
    executingWorkers.set(row, { thread: undefined, process: undefined, busyMs: () => 5 })
    await sleep(3)
    times.read()
    executingWorkers.delete(row)
  }
  await sleep(3)
  expect(times.read().has(1_050)).toBe(true)
  await sleep(40)
  times.read()
  // Other tests of this process may have workers.
  expect([...times.read().keys()].filter((row) => row > 1_000 && row <= 1_050)).toEqual([])
})

test.runIf(linux)('keeps its files open for the next recording, and not for ever', async () => {
  await sleep(1_200)
  const before = files()
  times.enter()
  times.leave()
  const open = files()
  times.enter()
  expect(files()).toBe(open)
  expect(open).toBeGreaterThan(before)
  times.leave()
  await sleep(1_200)
  expect(files()).toBeLessThanOrEqual(before)
  times.enter()
})

const parent = `
const { spawn } = require('node:child_process')
const { parentPort } = require('node:worker_threads')
const burn = 'const end = Date.now() + 700; while (Date.now() < end); console.log(1); setTimeout(() => {}, 20000)'
const child = spawn(process.execPath, ['-e', burn], { stdio: ['ignore', 'pipe', 'ignore'] })
child.stdout.once('data', () => parentPort.postMessage(child.pid))
setTimeout(() => {}, 20000)`

test.runIf(linux)('what a child took before the recording is not counted, though it is found later', async () => {
  // The thread that started it is nobody's worker, so nobody looks there at once.
  const worker = new Worker(parent, { eval: true })
  const pid = await new Promise<number>((resolve) => worker.once('message', resolve))
  try {
    times.enter()
    for (let i = 0; i < 14; i++) {
      await sleep(100)
      times.read()
    }
    expect(times.read().get(childrenRow)).toMatchObject({ alive: 1 })
    expect(times.read().get(childrenRow)?.cpuMs).toBeLessThan(200)
  } finally {
    process.kill(pid, 'SIGKILL')
    await worker.terminate()
  }
})
