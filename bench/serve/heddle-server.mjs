/** heddle's server, as a process that answers its parent's questions. */
import { serve } from 'heddle/serve'
import { minilm } from './heddle-models.mjs'
import { texts } from './texts.mjs'

const server = await serve({ models: { minilm } }).listen()
await server.ready
process.on('message', (/** @type {any} */ { ask, id }) => {
  const answer = (value) => process.send?.({ id, value })
  if (ask === 'stats') answer({ ...minilm.stats(), rss: process.memoryUsage.rss() })
  else if (ask === 'kill') void kill().then(answer)
  else if (ask === 'service') void service().then(answer)
})
process.on('disconnect', () => process.exit())
process.send?.({ url: server.url, health: '/health' })

/** What replicas take for single texts while all of them are at work and nothing waits: what a queue is simulated with. */
async function service() {
  const items = texts(2_000)
  const until = performance.now() + 4_000
  const times = []
  let next = 0
  const lane = async () => {
    while (performance.now() < until) times.push((await minilm.ask(items[next++ % items.length])).servedMs)
  }
  await Promise.all(minilm.stats().replicas.map(lane))
  return times
}

/** Kills a replica at work as `kill -9` does, and says how long all of them took to be there again. */
async function kill() {
  const before = minilm.stats()
  const victim = before.replicas.find(({ state }) => state === 'busy') ?? before.replicas[0]
  const from = performance.now()
  process.kill(victim.pid, 'SIGKILL')
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 5))
    const { replicas } = minilm.stats()
    const back = replicas.every(({ state, pid }) => (state === 'idle' || state === 'busy') && pid !== victim.pid)
    if (back || performance.now() - from > 30_000) return { recoveredMs: performance.now() - from }
  }
}
