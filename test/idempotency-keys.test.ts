/** Whoever runs a function: each attempt of a call sees the same idempotency key, and every other call another one. */
import { all, graph, guard, hedge, map, mapReduce, scatter, scope, stream, type TaskContext } from 'heddle'
import { expect, test } from 'vitest'

const retry = { retries: 2, base: 1 } as const

/** Keeps the keys that each of its calls sees, and fails twice before it succeeds. */
function recorder(): { readonly seen: Map<number, string[]>; readonly call: (n: number, context: TaskContext) => number } {
  const seen = new Map<number, string[]>()
  const call = (n: number, { idempotencyKey }: TaskContext): number => {
    const keys = seen.get(n) ?? []
    seen.set(n, [...keys, idempotencyKey])
    if (keys.length < 2) throw new Error('not yet')
    return n
  }
  return { seen, call }
}

type Call = (n: number, context: TaskContext) => number

const ways: Record<string, (call: Call) => Promise<unknown>> = {
  map: (call) => map([0, 1, 2], call, { retry }),
  mapReduce: (call) => mapReduce([0, 1, 2], call, (a, b) => a + b, { retry }),
  all: (call) =>
    all({ a: (context) => call(0, context), b: (context) => call(1, context), c: (context) => call(2, context) }, { retry }),
  scope: (call) =>
    scope(async (s) => {
      for (const n of [0, 1, 2]) s.fork((context) => call(n, context), { retry })
    }),
  graph: (call) => {
    const g = graph('keys')
    const tasks = [0, 1, 2].map((n) => g.task(`t${n}`, (context) => call(n, context), { retry }))
    return g.run(tasks)
  },
  guard: (call) => {
    const guarded = guard(call, { retry })
    return Promise.all([0, 1, 2].map((n) => (guarded as (n: number) => Promise<number>)(n)))
  },
  stream: (call) => stream([0, 1, 2]).map(call, { retry }).toArray(),
  scatter: (call) => scatter([0, 1, 2], call, { retry }),
}

test.each(Object.entries(ways))('%s: each attempt has the key of its call, and no other call has it', async (_, run) => {
  const { seen, call } = recorder()
  await run(call)
  const keys = [...seen.values()]
  expect(keys.map((list) => list.length)).toEqual([3, 3, 3])
  for (const list of keys) expect(new Set(list).size).toBe(1)
  expect(new Set(keys.flat()).size).toBe(3)
})

test('two runs of the same program share no key', async () => {
  const keys = async (): Promise<string[]> => map([0, 1], (_, { idempotencyKey }) => idempotencyKey)
  expect(new Set([...(await keys()), ...(await keys())]).size).toBe(4)
})

test('both tries of a hedge are the same call', async () => {
  const seen: string[] = []
  const hedged = hedge(
    async (n: number, { idempotencyKey }: TaskContext) => {
      seen.push(idempotencyKey)
      if (seen.length === 1) await new Promise(() => {})
      return n
    },
    { after: 1 },
  ) as (n: number) => Promise<number>
  expect(await hedged(7)).toBe(7)
  expect(seen).toHaveLength(2)
  expect(new Set(seen).size).toBe(1)
})
