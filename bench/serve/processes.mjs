/** A server and its load, each a process. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const file = (name) => fileURLToPath(new URL(name, import.meta.url))

/** @param {string} name @param {object} places @param {Record<string, string>} [env] */
export async function startServer(name, places, env = {}) {
  const child = fork(file(name), { env: { ...process.env, ...env, HEDDLE_BENCH_SERVING: JSON.stringify(places) } })
  const [{ url }] = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(([code]) => {
      throw new Error(`${name} ended with exit code ${code} before it listened`)
    }),
  ])
  let ids = 0
  const ask = (what) =>
    new Promise((resolve) => {
      const id = ++ids
      const answer = (message) => {
        if (message.id !== id) return
        child.off('message', answer)
        resolve(message.value)
      }
      child.on('message', answer)
      child.send({ ask: what, id })
    })
  const close = async () => {
    if (child.exitCode !== null) return
    const ended = once(child, 'exit')
    child.disconnect()
    await ended
  }
  return { url, ask, close }
}

/** One load after the other, each in a process of its own. */
export async function load(order) {
  const child = fork(file('load.mjs'))
  child.send(order)
  const [result] = await once(child, 'message')
  child.disconnect()
  return result
}
