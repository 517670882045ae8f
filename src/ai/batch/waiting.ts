/** A call that waits for its answer from a batch. */
export interface Waiting {
  /** Of its content, and how often that has come. */
  readonly id: string
  /** JSON. */
  readonly body: string
  readonly bytes: number
  /** What the provider counts it as: the texts that it embeds, 1 for everything else. */
  readonly weight: number
  /** From when on it is too late for batches, in milliseconds of `performance.now()`. */
  readonly lateAt: number
  /** How often it was in a batch that did not answer it. */
  tries: number
  /** Nobody waits any more. */
  isGone: boolean
  readonly resolve: (answer: { readonly status: number; readonly body: unknown }) => void
  readonly reject: (error: unknown) => void
}

/** The time for batches is over: the call is to be made by itself. */
export class TooLate extends Error {}
