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

/** A list of like objects as columns. */
export interface Rows {
  /** Their fields; of arrays, how many elements each has. */
  readonly fields: readonly string[] | number
  readonly columns: readonly ArrayLike<unknown>[]
}

/** A part of a block of items, for one partition. */
export interface Chunk {
  readonly block: number
  /** Where in the block each of the items stands. */
  readonly at: Int32Array
  /** Their keys; undefined where a field of the items says it. */
  readonly keys: ArrayLike<unknown> | undefined
  /** The items, or a partial value for each key. */
  readonly items: ArrayLike<unknown> | Rows
  /** `items` are columns. */
  readonly packed: boolean
  /** First values of keys that come for the first time, in the order of their coming. */
  readonly starts?: readonly unknown[]
}
