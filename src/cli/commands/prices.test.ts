import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { loadPrices } from '../../ai/index.ts'
import { FileRefused } from '../../base/errors.ts'
import { UsageError } from '../interface/usage-error.ts'
import { command } from './prices.ts'

const table = { x: { input_cost_per_token: 3e-6, output_cost_per_token: 1.5e-5, mode: 'chat' } }
const folder = (): string => mkdtempSync(join(tmpdir(), 'heddle-prices-'))

async function update(source: string, output: string): Promise<number> {
  const silent = vi.spyOn(console, 'log').mockImplementation(() => {})
  try {
    return await command({ positionals: ['update', source], options: { output } } as unknown as Parameters<typeof command>[0])
  } finally {
    silent.mockRestore()
  }
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
  await expect(command({ positionals: ['list', 'x'], options: {} } as unknown as Parameters<typeof command>[0])).rejects.toThrow(
    UsageError,
  )
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
