/** The CPU-bound part, in a worker module: it never holds the event loop of the server. */
import { context, transfer, workers } from 'heddle'
import { drawTile } from './picture.ts'

export const { tile } = workers(import.meta.url, {
  tile(x: number, y: number, size: number): Uint8Array {
    const { signal } = context()
    const pixels = new Uint8Array(size * size)
    if (!drawTile(pixels, size, x, y, () => signal.aborted)) throw signal.reason
    return transfer(pixels)
  },
})
