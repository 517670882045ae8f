/** What values are while they travel between threads, processes and machines, where they do not travel as themselves. Data only. */

/** An error as data; see `errors.js`. */
export interface WireError {
  readonly thrown?: unknown
  readonly name?: string
  readonly className?: string
  readonly message?: string
  readonly stack?: string | undefined
  readonly fields?: Readonly<Record<string, unknown>>
  /** Not to be tried again by the policies around the call. */
  readonly spent?: boolean
  readonly cause?: WireError
  readonly errors?: readonly WireError[]
}

/** Where a handle of a broadcast value was; see `broadcast.js`. */
export interface BroadcastPlace {
  readonly at: number
  /** Which argument; -1 where the item is the argument. */
  readonly argument: number
  /** Which field of it; undefined: all of it. */
  readonly key: string | number | undefined
  readonly id: number
}

/** Values as bytes; see `written.js`. */
export interface PackedValues {
  readonly count: number
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** Long texts side by side; see `texts.js`. */
export interface PackedTexts {
  /** The UTF-16 of all of them. */
  readonly units: Uint16Array<ArrayBuffer>
  /** Where in `units` each ends. */
  readonly ends: Uint32Array
}
