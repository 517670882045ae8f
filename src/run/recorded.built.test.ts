/** `map`, `mapReduce` and graphs with a `checkpoint`, on a real file system. */
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { InvalidOption, JournalFailed, JournalRefused, Unserializable } from '../base/errors.ts'
import { channels, type Note } from '../base/observer.ts'
import { openJournal } from '../checkpoint/index.ts'
import { plain } from '../../test/fixtures/plain.ts'
import { graph } from './graph.ts'
import { mapReduce } from './map-reduce.ts'
import { map } from './map.ts'

const folder = mkdtempSync(join(tmpdir(), 'heddle-checkpoint-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let count = 0
let path = ''
beforeEach(() => {
  path = join(folder, `run-${++count}.jsonl`)
})

const double = async (n: number): Promise<number> => n * 2
const never = (): never => {
  throw new Error('called though recorded')
}
/** Makes the function look like the one that began the journal: the name is the program's. */
const named = <F extends (...args: never[]) => unknown>(name: string, fn: F): F =>
  Object.defineProperty(fn, 'name', { value: name })

async function* later<T>(items: readonly T[]): AsyncGenerator<T> {
  for (const item of items) yield item
}

describe('map', () => {
  test.each([
    ['an array', (items: number[]) => items],
    ['an iterable', (items: number[]) => new Set(items)],
    ['an async iterable', (items: number[]) => later(items)],
    ['a typed array', (items: number[]) => Float64Array.from(items)],
  ])('of %s: what is recorded is not run again, and the index is that of the item', async (_, input) => {
    const items = [5, 6, 7, 8, 9]
    const fails = named('double', async (n: number): Promise<number> => {
      if (n === 7) throw new Error('not yet')
      return n * 2
    })
    const { failed } = await map(input(items), fails, { checkpoint: path, onFailure: 'settle', concurrency: 2 })
    expect(failed).toMatchObject([{ index: 2, item: 7 }])
    const seen: unknown[] = []
    const again = named('double', async (n: number, { index }: { index: number }): Promise<number> => {
      seen.push([n, index])
      return n * 2
    })
    expect(await map(input(items), again, { checkpoint: path })).toEqual([10, 12, 14, 16, 18])
    expect(seen).toEqual([[7, 2]])
    expect(existsSync(`${path}.lock`)).toBe(false)
  })

  test('goes by what the items are: they may be added, taken out and moved, and one that has changed is another', async () => {
    await map(
      ['a', 'b', 'c', 'b'],
      named('f', (text: string) => text + text),
      { checkpoint: path },
    )
    const ran: string[] = []
    const f = named('f', (text: string) => {
      ran.push(text)
      return `new ${text}`
    })
    const results = await map(['d', 'b', 'c2', 'a', 'b', 'b'], f, { checkpoint: path })
    expect(results).toEqual(['new d', 'bb', 'new c2', 'aa', 'bb', 'new b'])
    expect(ran).toEqual(['d', 'c2', 'b'])
  })

  test('with a policy and with an observer', async () => {
    const notes: Note[] = []
    const listen = (note: unknown): void => void notes.push(note as Note)
    channels.note.subscribe(listen)
    channels.taskSettle.subscribe(listen)
    try {
      await map([1, 2, 3], double, { checkpoint: path, retry: 2, timeout: '5s' })
      expect(await map([1, 2, 3], named('double', never), { checkpoint: path, retry: 2 })).toEqual([2, 4, 6])
    } finally {
      channels.note.unsubscribe(listen)
      channels.taskSettle.unsubscribe(listen)
    }
    expect(notes.filter(({ kind }) => kind === 'checkpoint').map(({ text }) => text)).toEqual([
      'map "double": 0 results came from the journal, 3 were recorded',
      'map "double": 3 results came from the journal, 0 were recorded',
    ])
  })

  test.each([
    ['an array', (items: number[]) => items],
    ['an iterable', (items: number[]) => new Set(items)],
    ['an async iterable', (items: number[]) => later(items)],
  ])('over a worker function, of %s', async (_, input) => {
    const items = Array.from({ length: 5_000 }, (_item, i) => i)
    const wanted = items.map((i) => i * 2)
    await map(
      items.filter((i) => i % 3 !== 1),
      plain.double,
      { checkpoint: path },
    )
    expect(await map(input(items), plain.double, { checkpoint: path })).toEqual(wanted)
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
    expect(lines).toHaveLength(1 + items.length)
    expect(await map(input(items), plain.double, { checkpoint: path })).toEqual(wanted)
    expect(readFileSync(path, 'utf8').trimEnd().split('\n')).toHaveLength(1 + items.length)
  })

  test('over a worker function that fails for some, with settle', async () => {
    const items = Array.from({ length: 200 }, (_, i) => i)
    const first = await map(items, plain.oddFails, { checkpoint: path, onFailure: 'settle' })
    expect(first.ok).toHaveLength(100)
    expect(first.failed).toHaveLength(100)
    const second = await map(new Set(items), plain.oddFails, { checkpoint: path, onFailure: 'settle', concurrency: 8 })
    expect(second.ok).toEqual(first.ok)
    expect(second.failed.map(({ index }) => index)).toEqual(first.failed.map(({ index }) => index))
    expect(readFileSync(path, 'utf8').trimEnd().split('\n')).toHaveLength(101)
  })

  test('gives what a later run will give', async () => {
    const values = [undefined, null, -0, { a: undefined, b: [1] }, 'x'.match(/(?<a>x)/), '']
    const first = await map(
      [0, 1, 2, 3, 4, 5],
      named('f', (i: number) => values[i]),
      { checkpoint: path },
    )
    const second = await map([0, 1, 2, 3, 4, 5], named('f', never), { checkpoint: path })
    expect(second).toStrictEqual(first)
    expect(first).toStrictEqual([undefined, null, 0, { b: [1] }, ['x', 'x'], ''])
  })

  test('with a codec', async () => {
    const codec = {
      encode: (value: unknown) => (value as Date).toISOString(),
      decode: (stored: unknown) => new Date(stored as string),
    }
    const checkpoint = { path, codec }
    const first = await map(
      [1, 2],
      named('f', (n: number) => new Date(n)),
      { checkpoint },
    )
    expect(first).toEqual([new Date(1), new Date(2)])
    expect(await map([1, 2], named('f', never), { checkpoint })).toEqual(first)
  })

  test('takes hostile keys and values for what they are', async () => {
    const keys = [
      '__proto__',
      'constructor',
      'then',
      'hasOwnProperty',
      '',
      '\n"]',
      '\ud800',
      'x'.repeat(1_000_000),
      '["a"]',
      '\0',
    ]
    const values = keys.map((key) =>
      JSON.parse(`{"__proto__":{"polluted":true},"then":1,"key":${JSON.stringify(key.slice(0, 10))}}`),
    )
    const f = named('f', async (key: string): Promise<unknown> => [values[keys.indexOf(key)]])
    const options = { checkpoint: path, key: (key: string) => key }
    await map(keys, f, options)
    expect(await map(keys, named('f', never), options)).toEqual(values.map((value: unknown) => [value]))
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })

  test.each([
    ['deep', () => Array.from({ length: 100_000 }).reduce<unknown>((inner) => [inner], 1), /nested more than 1000 levels deep/],
    ['circular', () => Object.assign<{ a?: unknown }, object>({}, {}), /JSON cannot hold/],
    ['a date', () => ({ at: [new Date(0)] }), /the value of step "one"\.at\[0\]: an object \(Date\)/],
    ['a function', () => ({ f: () => 1 }), /step "one"\.f: f \(function\)/],
    ['a map', () => new Map(), /an object \(Map\)/],
    ['NaN', () => [Number.NaN], /step "one"\[0\]: NaN \(number\)/],
    ['a hole', () => [undefined], /step "one"\[0\]: undefined/],
    ['a bigint', () => 5n, /5n \(bigint\)/],
    ['bytes', () => new Uint8Array(3), /an object \(Uint8Array\)/],
  ])('a value that JSON cannot hold is the failure of its item: %s', async (name, make, message) => {
    const value = make()
    if (name === 'circular') (value as { a?: unknown }).a = value
    const f = (item: string): unknown => (item === 'one' ? value : item)
    const { failed, ok } = await map(['one', 'two'], f, { checkpoint: path, onFailure: 'settle' })
    expect(ok).toEqual(['two'])
    expect(failed[0]?.error).toBeInstanceOf(Unserializable)
    expect(failed).toMatchObject([{ error: { message: expect.stringMatching(message) } }])
    await expect(map(['one'], f, { checkpoint: `${path}2` })).rejects.toBeInstanceOf(Unserializable)
  })

  test.each([
    ['two equal keys', [1, 2, 3], { key: (n: number) => `k${n % 2}` }, 'Items 0 and 2 have the same key "k1"'],
    ['a key that is not text', [1], { key: (n: number) => n as unknown as string }, 'Expected the key of a item (0) to be text'],
    ['an item without a key', [new Map()], {}, 'Expected `key` to be given, because item 0 is not JSON'],
  ])('refuses %s before any work starts, and at that item where they come one by one', async (_, items, options, message) => {
    let calls = 0
    const f = (): number => ++calls
    await expect(map(items as never[], f, { checkpoint: path, ...options })).rejects.toThrow(message)
    expect(calls).toBe(0)
    await expect(map(later(items as never[]), f, { checkpoint: path, ...options, onFailure: 'settle' })).rejects.toThrow(
      InvalidOption,
    )
    await expect(map(new Set(items as never[]), plain.double, { checkpoint: path, name: 'f', ...options })).rejects.toThrow(
      message,
    )
  })

  test('refuses wrong options before anything is opened', async () => {
    const wrong: [object, string][] = [
      [{ checkpoint: 5 }, 'Expected `checkpoint` to be text that is not empty, or an object'],
      [{ checkpoint: '' }, 'Expected `checkpoint` to be text'],
      [{ checkpoint: { path, durabilty: 'flush' } }, 'Unknown option `durabilty` of checkpoint'],
      [{ checkpoint: { path, durability: 'never' } }, "Expected `durability` to be 'fsync' or 'flush'"],
      [{ checkpoint: { path, codec: { encode: String } } }, 'Expected `codec` to be an object with the functions'],
      [{ checkpoint: {} }, 'Expected `path` of checkpoint to be given'],
      [{ key: String }, 'Expected `checkpoint` to be given with `key`'],
    ]
    for (const [options, message] of wrong) await expect(map([1], double, options)).rejects.toThrow(message)
    await expect(map([1], double, { checkpoint: { path, options: { at: new Date() } } })).rejects.toThrow(
      'JSON cannot hold options.at',
    )
    expect(existsSync(path)).toBe(false)
  })

  test('refuses the journal of another program, version or options, with a hint', async () => {
    await map([1], double, { checkpoint: { path, version: 2, options: { b: 1, a: { d: 1, c: 2 } } } })
    await map([1], double, { checkpoint: { path, version: '2', options: { a: { c: 2, d: 1 }, b: 1 } } })
    const before = readFileSync(path)
    const options = { b: 1, a: { d: 1, c: 2 } }
    const others: [object, string][] = [
      [{ name: 'triple' }, 'it was written by the program "map \\"double\\"", and this is "map \\"triple\\""'],
      [{ checkpoint: { path, version: 3, options } }, 'by version "2" of "map \\"double\\"", and this is version "3"'],
      [
        { checkpoint: { path, version: 2, options: { a: 2 } } },
        'with the options {"a":{"c":2,"d":1},"b":1}, and these are {"a":2}',
      ],
    ]
    for (const [other, message] of others) {
      const error: unknown = await map([1], double, { checkpoint: { path, version: 2, options }, ...other }).catch(
        (e: unknown) => e,
      )
      expect(error).toBeInstanceOf(JournalRefused)
      expect((error as Error).message).toContain(message)
      expect((error as JournalRefused).hint).toContain('Nothing was changed')
    }
    expect(readFileSync(path)).toEqual(before)
  })

  test('refuses to share a journal with a run at the same time, also by another path to it', async () => {
    const link = `${path}.link`
    let other: unknown
    await map(
      [1],
      named('double', async () => {
        if (!existsSync(link)) symlinkSync(path, link)
        other = await map([1], double, { checkpoint: link }).catch((error: unknown) => error)
        return 2
      }),
      { checkpoint: path },
    )
    expect(other).toBeInstanceOf(JournalRefused)
    expect((other as Error).message).toContain('is being written by this very process')
    expect(await map([1], named('double', never), { checkpoint: link })).toEqual([2])
  })

  test('says what is wrong with the file', async () => {
    await expect(map([1], double, { checkpoint: join(folder, 'no', 'run.jsonl') })).rejects.toMatchObject({
      code: 'HEDDLE_JOURNAL_FAILED',
      hint: 'The folder must exist.',
    })
    await expect(map([1], double, { checkpoint: folder })).rejects.toBeInstanceOf(JournalFailed)
    writeFileSync(path, 'not a journal\n')
    await expect(map([1], double, { checkpoint: path })).rejects.toThrow(
      'is refused: its first line is not the header of a journal',
    )
    expect(readFileSync(path, 'utf8')).toBe('not a journal\n')
    writeFileSync(path, '')
    expect(await map([1], double, { checkpoint: path })).toEqual([2])
  })

  test('cuts off what a crash has torn, says so, and refuses damage with the way to cut it', async () => {
    await map([1, 2, 3], double, { checkpoint: path, concurrency: 1 })
    const whole = readFileSync(path, 'utf8')
    writeFileSync(path, `${whole}["12345678",9`)
    const notes: string[] = []
    const listen = (note: unknown): void => void notes.push((note as Note).text)
    channels.note.subscribe(listen)
    expect(await map([1, 2, 3], named('double', never), { checkpoint: path })).toEqual([2, 4, 6])
    channels.note.unsubscribe(listen)
    expect(notes[0]).toBe('map "double": the last 13 bytes of the journal were torn by a crash and dropped')
    expect(readFileSync(path, 'utf8')).toBe(whole)
    const edited = whole.replace('"=2",4', '"=2",5')
    writeFileSync(path, edited)
    const second = whole.split('\n').slice(0, 2).join('\n').length + 1
    await expect(map([1, 2, 3], double, { checkpoint: path })).rejects.toMatchObject({
      message: expect.stringContaining(`line 3 is damaged, or not where it was written (bytes ${second} to `),
      hint: expect.stringContaining(`truncate -s ${second} "`),
    })
    expect(readFileSync(path, 'utf8')).toBe(edited)
  })

  test('keeps what had completed when it stops, also what was under way then', async () => {
    const f = named('f', async (n: number) => {
      if (n === 3) throw new Error('broken')
      await new Promise((resolve) => setImmediate(resolve))
      return n
    })
    await expect(map([1, 2, 3, 4], f, { checkpoint: path, concurrency: 3 })).rejects.toThrow('broken')
    const ran: number[] = []
    await map(
      [1, 2, 3, 4],
      named('f', (n: number) => ran.push(n)),
      { checkpoint: path },
    )
    expect(ran).toEqual([3, 4])
  })
})

test('mapReduce merges what it restores with what it runs', async () => {
  const items = Array.from({ length: 100 }, (_, i) => i)
  const merge = async (a: string, b: string): Promise<string> => a + b
  const f = named('f', (n: number): string => {
    if (n === 50) throw new Error('not yet')
    return `${n},`
  })
  await expect(mapReduce(items, f, merge, { checkpoint: path })).rejects.toThrow('not yet')
  const g = named('f', (n: number): string => `${n},`)
  for (const input of [items, new Set(items), later(items)]) {
    expect(await mapReduce(input, g, merge, { checkpoint: path })).toBe(`${items.join(',')},`)
  }
})

describe('a graph', () => {
  //  a   b
  //   \ / \
  //    c   d
  //     \ /
  //      e
  const build = (ran: string[], failing?: string) => {
    const step = (name: string) => (): string => {
      ran.push(name)
      if (name === failing) throw new Error(`${name} failed`)
      return `${name}!`
    }
    const g = graph('g')
    const a = g.task('a', step('a'))
    const b = g.task('b', step('b'))
    const c = g.task('c', { a, b }, step('c'))
    const d = g.task('d', { b }, step('d'))
    const e = g.task('e', { c, d }, step('e'))
    return { g, a, b, c, d, e }
  }

  test('goes on where it was', async () => {
    const first = build([], 'd')
    await expect(first.g.run(first.e, { checkpoint: path, concurrency: 1 })).rejects.toThrow('d failed')
    const ran: string[] = []
    const second = build(ran)
    expect(await second.g.run({ c: second.c, e: second.e }, { checkpoint: path })).toEqual({ c: 'c!', e: 'e!' })
    expect(ran).not.toContain('a')
    expect(ran).toContain('e')
    const third: string[] = []
    const { g, e } = build(third)
    expect(await g.run(e, { checkpoint: path })).toBe('e!')
    expect(third).toEqual([])
  })

  test('runs again what needs something that ran again', async () => {
    const g1 = graph('g')
    const old = g1.task('a', () => 1)
    await g1.run(
      g1.task('c', { old }, ({ old: n }) => n + 1),
      { checkpoint: path },
    )
    const g2 = graph('g')
    const [a, b] = [g2.task('a', () => 1), g2.task('b', () => 10)]
    const c = g2.task('c', { a, b }, (needs) => needs.a + needs.b)
    expect(await g2.run(c, { checkpoint: path })).toBe(11)
    const g3 = graph('g')
    const [a3, b3] = [g3.task('a', never), g3.task('b', never)]
    expect(await g3.run(g3.task('c', { a3, b3 }, never), { checkpoint: path })).toBe(11)
  })

  test('with settle, and of worker functions', async () => {
    const first = build([], 'd')
    const outcome = await first.g.run({ e: first.e, c: first.c }, { checkpoint: path, onFailure: 'settle' })
    expect(outcome).toMatchObject({ c: { status: 'fulfilled' }, e: { status: 'rejected' } })
    const ran: string[] = []
    const second = build(ran)
    await second.g.run(second.e, { checkpoint: path })
    expect(ran).toEqual(['d', 'e'])
    const g = graph('h')
    const one = g.task('one', () => 1)
    const two = g.task('two', [one], plain.echo)
    expect(await g.run(two, { checkpoint: `${path}2` })).toEqual([1])
    expect(await g.run(two, { checkpoint: `${path}2` })).toEqual([1])
  })
})

describe('a journal that several runs share', () => {
  test('has a part for each', async () => {
    const ran: string[] = []
    const program = async (): Promise<unknown> => {
      await using journal = await openJournal(path, { program: 'p' })
      const once = await journal.at('plan').step('once', () => ran.push('once'))
      const twice = await map([1, 2], (n) => ran.push('map') && n * 2, { checkpoint: journal.at('twice') })
      const thrice = await map([1, 2], (n) => ran.push('map') && n * 3, { checkpoint: journal.at('more').at('thrice') })
      // What has been recorded by now is there, too.
      expect(await map([1, 2], never, { checkpoint: journal.at('twice') }).catch(() => 'refused')).toBe('refused')
      expect(await journal.at('plan').step('once', never)).toBe(once)
      return { once, twice, thrice }
    }
    const first = await program()
    expect(first).toEqual({ once: 1, twice: [2, 4], thrice: [3, 6] })
    expect(await program()).toEqual(first)
    expect(ran).toHaveLength(5)
  })

  test('does not let two runs take one part for theirs', async () => {
    await using journal = await openJournal(path, { program: 'p' })
    await map([1], double, { checkpoint: journal.at('a') })
    await expect(map([1], plain.echo, { checkpoint: journal.at('a') })).rejects.toThrow(
      'Part ["a"] of the journal is used by map "double", and now by map "echo"',
    )
    expect(await map([1], named('double', never), { checkpoint: journal.at('a') })).toEqual([2])
  })

  test('a step that is asked for twice at once runs once; a failure is not recorded; closed is closed', async () => {
    const journal = await openJournal(path, { program: 'p' })
    const steps = journal.at('s')
    let calls = 0
    const slow = async (): Promise<number> => {
      await new Promise((resolve) => setImmediate(resolve))
      return ++calls
    }
    expect(await Promise.all([steps.step('x', slow), steps.step('x', slow)])).toEqual([1, 1])
    await expect(steps.step('y', () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(await steps.step('y', () => 5)).toBe(5)
    await journal.close()
    await journal.close()
    await expect(steps.step('z', slow)).rejects.toMatchObject({ code: 'HEDDLE_CLOSED' })
  })
})
