import { expect, test, vi } from 'vitest'
import { parseCommand } from '../interface/arguments.ts'
import { commands } from '../commands.ts'
import { UsageError } from '../interface/usage-error.ts'
import { command } from './simulate.ts'

const spec = commands.find(({ name }) => name === 'simulate') as (typeof commands)[number]

test('serves until it is interrupted, then says what it has seen', async () => {
  const lines: string[] = []
  const log = vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line))
  try {
    const running = command(parseCommand(spec, ['--json', '--rpm', '1', '--time-scale', '2']))
    await expect.poll(() => lines.length, { timeout: 20_000 }).toBe(1)
    const { baseURL } = JSON.parse(lines[0] as string) as { baseURL: string }
    const ask = async (): Promise<number> => {
      const body = JSON.stringify({ model: 'any', messages: [{ role: 'user', content: 'x' }], max_tokens: 1 })
      return (await fetch(`${baseURL}/chat/completions`, { method: 'POST', body })).status
    }
    expect([await ask(), await ask()]).toEqual([200, 429])
    process.emit('SIGINT')
    expect(await running).toBe(130)
    expect(JSON.parse(lines[1] as string)).toMatchObject({ requests: 2, answered: 1, refused: { requests: 1 } })
  } finally {
    log.mockRestore()
  }
})

test('values that are not numbers are named', async () => {
  await expect(command(parseCommand(spec, ['--rpm', 'many']))).rejects.toThrow(UsageError)
  await expect(command(parseCommand(spec, ['--broken', '2']))).rejects.toThrow(/`broken` to be a number from 0 to 1/)
})
