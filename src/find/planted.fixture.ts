/** Runs planted races: once with one call after the other, and under seeded interleavings. */
import { transpileModule, ScriptTarget } from 'typescript'

const items = Array.from({ length: 12 }, (_, i) => ({
  key: i % 2 === 0 ? 'a' : 'b',
  kind: 'kind',
  ok: true,
  parts: [1, 2],
  price: 30,
  id: i,
}))

type Load = (item: unknown) => Promise<number>
type Program = (scope: Record<string, unknown>) => Promise<unknown>

/** The function `f` of a planted race, with everything that it names passed in. */
function compile(code: string): Program {
  const prepared = code
    .replaceAll(/^import .*$|^declare .*$|^void .*$|; void \w+/gm, '')
    .replace('seen: any = {}', 'seen: any = { balance: 100, count: 0, kind: 0 }')
    .replace('let total = 0', 'let total: any = 1')
    .replace('return [total, seen, list]', `await settled(); return [total, seen, list, ${seenOr('list2')}, ${seenOr('seen2')}]`)
    .replace('export async function f', 'return async function f')
  const { outputText } = transpileModule(prepared, { compilerOptions: { target: ScriptTarget.ES2022 } })
  const names = ['load', 'items', 'pMap', 'map', 'Promise', 'settled']
  const make = new Function(...names, outputText) as (...values: unknown[]) => () => Promise<unknown>
  return (scope) => make(...names.map((name) => scope[name]))()
}

/** A variable that only some of the programs have. */
function seenOr(name: string): string {
  return `typeof ${name} === 'undefined' ? 0 : ${name}`
}

/** What can be seen from outside: the result, and how often something was loaded. */
interface Outcome {
  readonly text: string
  readonly loads: number
}

/** Every call of the callback begins when the one before has ended. */
export async function oneAfterTheOther(code: string): Promise<Outcome> {
  let loads = 0
  const load: Load = async () => 1 + (loads++ % 5)
  const started: (() => unknown)[] = []
  const lazily = (fn: (...args: unknown[]) => unknown) => items.map((item, i) => () => fn(item, i))
  const inTurn = async (calls: readonly (() => unknown)[]): Promise<unknown[]> => {
    const results: unknown[] = []
    for (const call of calls) results.push(await call())
    return results
  }
  const list = { map: lazily, flatMap: lazily, forEach: (fn: (...args: unknown[]) => unknown) => started.push(...lazily(fn)) }
  const each = (_: unknown, fn: (...args: unknown[]) => unknown) => inTurn(lazily(fn))
  const result = await compile(code)({
    load,
    items: list,
    pMap: each,
    map: each,
    Promise: { all: inTurn, allSettled: inTurn },
    settled: () => inTurn(started),
  })
  return { text: JSON.stringify(result), loads }
}

/** All calls begin at once; which of the loads that are under way ends next is drawn by `seed`. */
export async function interleaved(code: string, seed: number): Promise<Outcome> {
  let state = seed
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
  let loads = 0
  const waiting: (() => void)[] = []
  const load: Load = () => {
    const value = 1 + (loads++ % 5)
    return new Promise((resolve) => waiting.push(() => resolve(value)))
  }
  const each = (_: unknown, fn: (...args: unknown[]) => unknown) => Promise.all(items.map(fn))
  const progress = { done: false }
  const idle = async (): Promise<void> => {
    for (let quiet = 0; quiet < 3;) {
      await new Promise(setImmediate)
      quiet = waiting.length === 0 ? quiet + 1 : 0
    }
  }
  const running = compile(code)({ load, items, pMap: each, map: each, Promise, settled: idle }).finally(
    () => (progress.done = true),
  )
  while (!progress.done) {
    await new Promise(setImmediate)
    waiting.splice(Math.floor(random() * waiting.length), 1)[0]?.()
  }
  return { text: JSON.stringify(await running), loads }
}
