/** Work that wants different answers to equal questions: samples of a vote, the best of several. Their calls are not answered from a cache. */
import { AsyncLocalStorage } from 'node:async_hooks'

const wanted = new AsyncLocalStorage<true>()

export function wantingVariety<T>(work: () => T): T {
  return wanted.run(true, work)
}

export function wantsVariety(): boolean {
  return wanted.getStore() === true
}
