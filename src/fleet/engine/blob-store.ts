/** Where large texts lie beside the store. Names are a run's, then a batch's. */
export interface BlobStore {
  put(name: string, text: string): Promise<void>
  get(name: string): Promise<string>
  /** Removes everything of a run. */
  drop(run: string): Promise<void>
  runs(): Promise<string[]>
}

/** What travels instead of a text that lies in the blob store. */
export const blobMark = 'heddle-blob:'
