/** Where answers are kept beyond the memory of the program. */

/** An answer as it is kept. */
export interface CachedAnswer {
  /** As `encoding/tagged.ts` writes it. */
  readonly text: string
  /** What it has cost, in US dollars; undefined where that is not known. */
  readonly usd: number | undefined
  /** When it was given, in milliseconds since 1970. */
  readonly at: number
}

export interface CacheStore {
  /** Undefined where it is not there. */
  get(key: string): Promise<CachedAnswer | undefined>
  put(key: string, answer: CachedAnswer): Promise<void>
  /**
   * Asks to be the one that makes the call, among all programs that share the store: gives what ends that, or undefined where another program makes it
   * already.
   */
  claim(key: string): Promise<(() => Promise<void>) | undefined>
  close(): Promise<void>
}

/** The answer that a store holds; undefined where it is not one. */
export function asAnswer(value: unknown): CachedAnswer | undefined {
  const { text, usd, at } = (value ?? {}) as Partial<Record<keyof CachedAnswer, unknown>>
  if (typeof text !== 'string' || typeof at !== 'number') return undefined
  return { text, at, usd: typeof usd === 'number' ? usd : undefined }
}
