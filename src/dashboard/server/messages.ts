/** The messages between the thread that runs the tasks and the thread of the server. */
import type { ServerSnapshot } from '../../serve/http/watch/snapshot.ts'

/** The settings that the server's thread is started with. */
export interface ServerStart {
  /** A recording to show; without it, blocks come as messages. */
  readonly file?: string | undefined
  /** Where to listen on 127.0.0.1; 0 for a free port. */
  readonly port: number
  readonly token: string
}

export type ToServer =
  /** More of the recording: pieces as `trace/format/format.ts` describes them. */
  | { readonly type: 'blocks'; readonly blocks: readonly Uint8Array[] }
  /** How a server of models stands. */
  | { readonly type: 'standing'; readonly snapshot: ServerSnapshot }
  /** No more will come. */
  | { readonly type: 'end' }

export type FromServer =
  | { readonly type: 'ready'; readonly url: string }
  | { readonly type: 'failed'; readonly message: string; readonly name?: string; readonly hint?: string }
