/** What a call reads and writes of the world outside, in the words of the tables in libraries.ts and globals.ts. */
export interface KnownCall {
  /** From the module's export to what is called, with the methods of what it made: `['Pool', 'query']`. */
  readonly path: readonly string[]
  /** The names in the source that lead to what is called: `['this', 'users', 'find']`. */
  readonly chain: readonly string[]
  /** The text of an argument where the source says it; a template's may have holes (see pattern.ts). */
  text(argument: number): string | undefined
  /** An argument as the source writes it. */
  source(argument: number): string
  /** The name of the class that an argument constructs: `new GetObjectCommand(…)`. */
  constructed(argument: number): string | undefined
  /** The text of a property of an argument that is an object literal. */
  option(argument: number, name: string): string | undefined
  /** There is such an argument, and the source does not show all of its properties. */
  hides(argument: number): boolean
}

export interface Known {
  readonly reads?: readonly string[]
  readonly writes?: readonly string[]
  /** It waits for the outside, so that something else could run meanwhile. */
  readonly waits?: boolean
  /** Why it keeps its place. */
  readonly ordered?: string
  /** It waits on purpose. */
  readonly pauses?: boolean
  /** Runs the functions that it is given before it returns or settles. */
  readonly calls?: boolean
  readonly throws?: boolean
  /** The argument that it changes. */
  readonly changes?: number
}

export type Table = (call: KnownCall) => Known | undefined

export const nothing: Known = {}
export const readsOutside = (place: string): Known => ({ reads: [place], waits: true, throws: true })
export const writesOutside = (place: string): Known => ({ reads: [place], writes: [place], waits: true, throws: true })
export const ordered = (why: string): Known => ({ ordered: why, waits: true, throws: true })
export const pauses: Known = { pauses: true, waits: true }

/** A text as one step of a place: dots would divide it. */
export const step = (text: string | undefined): string => (text === undefined ? '*' : text.replaceAll('.', '·') || '*')
