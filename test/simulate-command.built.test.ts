/** `heddle simulate` as a process: what a signal does to answers that are on their way. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const command = fileURLToPath(new URL('../dist/cli.js', import.meta.url))
const ask = { messages: [{ role: 'user', content: 'Hello' }] }

test('SIGTERM ends the command: answers that take no longer than the grace arrive, and nothing keeps it', async () => {
  const child = spawn(process.execPath, [command, 'simulate', '--json'], { stdio: ['ignore', 'pipe', 'ignore'] })
  const lines: string[] = []
  child.stdout.on('data', (part: Buffer) => lines.push(...part.toString().split('\n')))
  await once(child.stdout, 'data')
  const { baseURL } = JSON.parse(lines[0] as string) as { baseURL: string }
  // Answers come after about half a second.
  const body = JSON.stringify({ model: 'm', ...ask })
  const under = Array.from({ length: 3 }, () =>
    fetch(`${baseURL}/chat/completions`, { method: 'POST', body }).then(
      (response) => response.json(),
      () => 'broken',
    ),
  )
  await new Promise((resolve) => setTimeout(resolve, 100))
  child.kill('SIGTERM')
  const [code] = (await once(child, 'exit')) as [number]
  expect(code).toBe(143)
  const answers = await Promise.all(under)
  expect(answers.filter((answer) => answer !== 'broken').length).toBeGreaterThan(0)
})
