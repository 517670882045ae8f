/** Waits for what may never come: a connection that is lost while it closes. */
import { clearTimeout, setTimeout } from '../../base/globals.js'

/** Resolves when the promise has settled, or after the time. */
export async function within(ms: number, promise: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([promise.catch(() => {}), late])
  clearTimeout(timer)
}
