import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { loadPrices, type PriceList, priceLists } from '../../../ai/index.ts'
import { checkPrices } from '../../../ai/prices/prices.ts'
import { FileRefused } from '../../../base/errors.ts'
import { UsageError } from '../../interface/usage-error.ts'
import { command } from './prices.ts'

const table = { x: { input_cost_per_token: 3e-6, output_cost_per_token: 1.5e-5, mode: 'chat' } }
const folder = (): string => mkdtempSync(join(tmpdir(), 'heddle-prices-'))

/** Runs the command; gives its exit code and what it wrote. */
async function run(positionals: readonly string[], options: Readonly<Record<string, string | true>> = {}) {
  const written = { out: '', err: '' }
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      written[name === 'stdout' ? 'out' : 'err'] += String(text)
      return true
    }),
  )
  try {
    const code = await command({ positionals, options } as unknown as Parameters<typeof command>[0])
    return { code, ...written }
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
}

async function update(source: string, output: string): Promise<number> {
  return (await run(['update', source], { output })).code
}

test('from a file and from an address, into a file that loadPrices reads', async () => {
  const at = folder()
  const [from, to] = [join(at, 'table.json'), join(at, 'prices.json')]
  writeFileSync(from, JSON.stringify(table))
  expect(await update(from, to)).toBe(0)
  expect(loadPrices(to)).toEqual({ x: { input: 3, output: 15 } })
  expect(JSON.parse(readFileSync(to, 'utf8'))).toMatchObject({ source: from, date: expect.stringMatching(/^\d{4}-\d\d-\d\d$/) })
  const server = createServer((request, response) =>
    response.writeHead(request.url === '/table' ? 200 : 404).end(JSON.stringify(table)),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  expect(await update(`http://127.0.0.1:${port}/table`, to)).toBe(0)
  await expect(update(`http://127.0.0.1:${port}/none`, to)).rejects.toThrow(/answered with 404/)
  server.close()
  expect(readdirSync(at).toSorted()).toEqual(['prices.json', 'table.json'])
})

test('what is no table is refused, and the old one stays', async () => {
  const at = folder()
  const to = join(at, 'prices.json')
  writeFileSync(to, JSON.stringify({ models: { old: { input: 1, output: 1 } } }))
  writeFileSync(join(at, 'wrong.json'), '{"x":{"input_cost_per_token":"free"}}')
  execFileSync('mkfifo', [join(at, 'fifo')])
  for (const wrong of ['wrong.json', 'fifo', 'none.json', '.'])
    await expect(update(join(at, wrong), to)).rejects.toThrow(FileRefused)
  expect(loadPrices(to)).toEqual({ old: { input: 1, output: 1 } })
  await expect(run(['list', 'x'])).rejects.toThrow(UsageError)
  await expect(run(['update'])).rejects.toThrow(UsageError)
})

test('a link in the way is replaced, not followed', async () => {
  const at = folder()
  const victim = join(at, 'victim')
  writeFileSync(victim, 'mine')
  symlinkSync(victim, join(at, 'prices.json'))
  writeFileSync(join(at, 'table.json'), JSON.stringify(table))
  await update(join(at, 'table.json'), join(at, 'prices.json'))
  expect(readFileSync(victim, 'utf8')).toBe('mine')
  expect(existsSync(join(at, 'prices.json'))).toBe(true)
})

test('shows models as budgets find them, and says which are not there', async () => {
  const shown = await run(['show', 'gpt-4.1-mini-2025-04-14', 'no-such-model'])
  expect(shown.code).toBe(1)
  expect(shown.out).toMatch(/gpt-4\.1-mini-2025-04-14 +0\.4 +1\.6 +0\.1 +0\.2 +0\.8 +1048k/)
  expect(shown.err).toContain('no-such-model: not in the table')
  expect(shown.err).toMatch(/as of \d{4}-\d\d-\d\d, from litellm/)
  const json = JSON.parse((await run(['show', 'claude-sonnet-4-6'], { json: true })).out) as { models: Record<string, unknown> }
  expect(json.models).toMatchObject({
    'claude-sonnet-4-6': { input: 3, batch: { input: 1.5 }, abilities: expect.arrayContaining(['tools']) },
  })
})

test('checks a table: its age, models that retire, what another one says', async () => {
  const at = folder()
  const [mine, theirs] = [join(at, 'mine.json'), join(at, 'theirs.json')]
  const today = new Date().toISOString().slice(0, 10)
  const models = {
    a: { input: 1, output: 2, batch: { input: 0.5, output: 1 } },
    b: { input: 1, output: 2, retires: '2020-01-01' },
    c: { input: 1, output: 2 },
  }
  writeFileSync(mine, JSON.stringify({ date: today, source: 'mine', models }))
  writeFileSync(
    theirs,
    JSON.stringify({ models: { a: { input: 2, output: 2, batch: { input: 1, output: 1 } }, c: models.c, d: models.c } }),
  )
  const alone = await run(['check'], { table: mine })
  expect(alone).toMatchObject({ code: 0, out: expect.stringContaining('not served any more: b') })
  const against = await run(['check', theirs], { table: mine })
  expect(against.code).toBe(1)
  expect(against.out).toContain('a: input 1 → 2, batch input 0.5 → 1')
  expect(against.out).toContain('1 model the same, 1 changed, 1 new, 1 not there')
  writeFileSync(mine, JSON.stringify({ date: '2020-01-01', source: 'mine', models }))
  const old = JSON.parse((await run(['check'], { table: mine, json: true })).out) as object
  expect(old).toMatchObject({ ok: false, isOld: true, retired: ['b'] })
})

test('the built-in table is whole: a source, a date, every price as budgets need it', async () => {
  const [list] = priceLists as [PriceList]
  expect(Object.keys(list.models).length).toBeGreaterThan(200)
  expect(list.date).toMatch(/^\d{4}-\d\d-\d\d$/)
  expect(list.source).toContain('https://')
  expect(() => checkPrices(list.models)).not.toThrow()
  const odd = Object.entries(list.models).filter(
    ([, { batch, input, output }]) => batch && (batch.input > input || batch.output > output),
  )
  expect(odd).toEqual([])
})
