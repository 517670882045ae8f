/** A bare worker: gets items in one message, gives results in one message. */
import { parentPort } from 'node:worker_threads'
import * as functions from './plain.mjs'

const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort)
port.on('message', ({ name, items }) => {
  const fn = /** @type {(item: unknown) => unknown} */ (/** @type {Record<string, unknown>} */ (functions)[name])
  port.postMessage(items.map((/** @type {unknown} */ item) => fn(item)))
})
