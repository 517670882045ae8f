/** Correct code that passes `ctx.signal` on hears no warning, and leaves nothing on the signal. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { getEventListeners } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { EventEmitter } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, test } from 'vitest'
import { all, context, graph, guard, map, scope, stream } from '../src/index.ts'

const warnings: Error[] = []
const heard = (warning: Error): void => void warnings.push(warning)
let server: Server
let url = ''
beforeAll(async () => {
  server = createServer((_, response) => setTimeout(() => response.end('yes'), 2)).listen(0)
  await once(server, 'listening')
  url = `http://localhost:${(server.address() as AddressInfo).port}`
})
afterAll(() => server.close())
beforeEach(() => {
  warnings.length = 0
  process.on('warning', heard)
})
afterEach(() => void process.off('warning', heard))

const uses: Record<string, (signal: AbortSignal) => Promise<unknown>> = {
  'timers/promises': (signal) => sleep(1, undefined, { signal }),
  'events.once': (signal) => {
    const emitter = new EventEmitter()
    setTimeout(() => emitter.emit('done'), 1)
    return once(emitter, 'done', { signal })
  },
  fetch: async (signal) => (await fetch(url, { signal })).text(),
  spawn: async (signal) => once(spawn(process.execPath, ['--version'], { signal, stdio: 'ignore' }), 'exit'),
}

const many = (n: number): number[] => Array.from({ length: n }, (_, i) => i)
type Task = (signal: AbortSignal) => Promise<unknown>

const ways: Record<string, (n: number, task: Task, outer: AbortSignal) => Promise<unknown>> = {
  map: (n, task, signal) => map(many(n), (_, ctx) => task(ctx.signal), { signal }),
  'map with a policy': (n, task, signal) => map(many(n), (_, ctx) => task(ctx.signal), { signal, retry: 1, timeout: '20s' }),
  'map, the ambient signal': (n, task, signal) => map(many(n), () => task(context().signal), { signal }),
  stream: (n, task, signal) =>
    stream(many(n), { signal })
      .map((_, ctx) => task(ctx.signal))
      .toArray(),
  keys: (n, task, signal) =>
    stream(many(n), { signal })
      .by((i) => i % 20)
      .map((_, ctx) => task(ctx.signal))
      .toArray(),
  all: (n, task, signal) =>
    all(
      many(n).map(() => (ctx: { readonly signal: AbortSignal }) => task(ctx.signal)),
      { signal },
    ),
  graph: (n, task, signal) => {
    const g = graph('many')
    for (const i of many(n)) g.task(`t${i}`, (ctx) => task(ctx.signal))
    return g.run(undefined, { signal })
  },
  guard: (n, task, signal) => {
    const guarded = guard(() => task(context().signal), { timeout: '20s' })
    return map(many(n), () => guarded(), { signal })
  },
  scope: (n, task, signal) =>
    scope(async (s) => void (await Promise.all(many(n).map(() => s.fork((ctx) => task(ctx.signal))))), { signal }),
}

describe.each(Object.entries(uses))('%s with ctx.signal', (name, use) => {
  test.each(Object.entries(ways))('in %s', async (_, run) => {
    const outer = new AbortController()
    const seen = new Set<AbortSignal>()
    const task: Task = (signal) => {
      seen.add(signal)
      return use(signal)
    }
    await run(name === 'spawn' ? 14 : 60, task, outer.signal)
    // Warnings are told in the next turn; what `fetch` and `spawn` left on goes with what they made.
    await sleep(20)
    expect(warnings.map(({ name, message }) => `${name}: ${message}`)).toEqual([])
    expect(getEventListeners(outer.signal, 'abort')).toEqual([])
    const mostLeft = Math.max(...[...seen].map((signal) => getEventListeners(signal, 'abort').length))
    expect(mostLeft).toBeLessThanOrEqual(name === 'fetch' || name === 'spawn' ? 2 : 0)
  })
})
