/** Broadcast values of runs, each once, by the hash of its content: in the blob store, or as records of the store itself where there is none and they are small. */
import type { BlobStore } from './blob-store.ts'
import type { Store } from './store.ts'

export interface Values {
  put(run: string, hash: string, text: string): Promise<void>
  /** @throws where it is not there */
  get(run: string, hash: string): Promise<string>
  /** Removes those of a run. */
  drop(run: string): Promise<void>
}

export function valuesOf(store: Store, blobs: BlobStore | undefined): Values {
  const idOf = (run: string, hash: string): string => `${run}-${hash}`
  const blobOf = (run: string, hash: string): string => `${run}/v-${hash}`
  const { values, valueQueue } = store
  return {
    put: (run, hash, text) => (blobs ? blobs.put(blobOf(run, hash), text) : values.put(idOf(run, hash), text)),
    async get(run, hash) {
      const record = await values.get(idOf(run, hash))
      if (typeof record?.data === 'string') return record.data
      if (blobs) return blobs.get(blobOf(run, hash))
      throw new TypeError('a broadcast value of it is not in the store: start the worker with the same --blobs as the program')
    },
    async drop(run) {
      await blobs?.drop(run)
      const ids = (await store.jobs(valueQueue)).filter((id) => id.startsWith(`${run}-`))
      for (const id of ids) await values.drop(id)
      if (ids.length > 0) await store.tidy(valueQueue)
    },
  }
}
