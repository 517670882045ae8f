import { parentPort, workerData } from 'node:worker_threads'

const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort)
const { byHand } = await import(workerData)

port.on('message', async ({ name, args }) => {
  try {
    const value = await byHand[name](...args)
    port.postMessage({ value }, buffersOf(value))
  } catch (error) {
    port.postMessage({ error })
  }
})
port.postMessage('ready')

/** Buffers of typed arrays move, also where a list of them is the result. @param {unknown} value @returns {ArrayBuffer[]} */
function buffersOf(value) {
  const views = Array.isArray(value) && ArrayBuffer.isView(value[0]) ? value : [value]
  return views.flatMap((view) => (ArrayBuffer.isView(view) && view.buffer instanceof ArrayBuffer ? [view.buffer] : []))
}
