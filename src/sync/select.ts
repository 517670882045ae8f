import { describe, InvalidOption } from '../base/errors.ts'
import { currentFrame } from '../base/frame.ts'
import { checkOptions } from '../base/options.ts'
import type { Choice } from './channel-line.ts'
import { endedBy, throwIfAborted, type WaitOptions, waitRules } from './wait-queue.ts'

/** One thing that `select` may do: made by `channel.receiveCase()` and `channel.sendCase(item)`. */
export interface SelectCase<R> {
  /** @internal Does it at once where that is possible. */
  attempt(choice: Choice): R | undefined
  /** @internal Gets in line for it. */
  join(choice: Choice): Place<R>
}

/** @internal A place in the line of a channel. */
export interface Place<R> {
  readonly promise: Promise<R>
  fail(error: Error): void
  drop(): void
}

type Cases = readonly SelectCase<object>[] | Readonly<Record<string, SelectCase<object>>>
type KeyOf<K> = K extends `${infer N extends number}` ? N : K

/** Which case was chosen, under `key`, and what came of it. */
export type Selected<C extends Cases> = {
  [K in keyof C]: C[K] extends SelectCase<infer R> ? (R extends unknown ? R & { readonly key: KeyOf<K> } : never) : never
}[C extends readonly unknown[] ? Extract<keyof C, `${number}`> : keyof C]

/**
 * Waits until one of several sends and receives is possible, and does exactly that one. Of several that are possible it
 * chooses at random, so that none starves.
 *
 * @param cases a record or a list; `key` of the result says which one it was
 * @throws {TimedOut} @throws {Cancelled} @throws {Closed} when a send meets a closed channel
 *
 * @example
 * const chosen = await select({ job: jobs.receiveCase(), stop: stop.receiveCase() }, { timeout: '10s' })
 * if (chosen.key === 'job' && !chosen.done) work(chosen.value)
 */
export async function select<const C extends Cases>(cases: C, options: WaitOptions = {}): Promise<Selected<C>> {
  checkOptions<WaitOptions>(options, waitRules, 'select')
  const entries = entriesOf(cases)
  throwIfAborted(options, 'select')
  const choice = new OneOf()
  const start = Math.floor(Math.random() * entries.length)
  for (let i = 0; i < entries.length; i++) {
    const [key, one] = entries[(start + i) % entries.length] as Entry
    const result = one.attempt(choice)
    if (result) return { ...result, key } as Selected<C>
  }
  const release = endedBy(
    currentFrame(),
    options,
    () => 'select',
    (error) => choice.fail(error),
  )
  try {
    return (await choice.first(entries)) as Selected<C>
  } finally {
    release()
  }
}

type Entry = readonly [key: string | number, one: SelectCase<object>]

function entriesOf(cases: Cases): Entry[] {
  const entries: Entry[] = Array.isArray(cases) ? [...cases.entries()] : Object.entries(cases ?? {})
  for (const [key, one] of entries) {
    if (typeof one?.attempt !== 'function') {
      throw new InvalidOption(
        `Expected case ${key} of select to be made by receiveCase() or sendCase(item), got ${describe(one)}`,
      )
    }
  }
  if (entries.length === 0) throw new InvalidOption('Expected select to get at least one case, got none')
  return entries
}

/** The waits of one `select`: when one ends, the others leave their lines before anything else can serve them. */
class OneOf implements Choice {
  readonly #places: Place<object>[] = []
  #over = false

  async first(entries: readonly Entry[]): Promise<object> {
    return await Promise.race(
      entries.map(async ([key, one]) => {
        const place = one.join(this)
        this.#places.push(place)
        if (this.#over) place.drop()
        return { ...(await place.promise), key }
      }),
    )
  }

  fail(error: Error): void {
    this.#places[0]?.fail(error)
  }

  ended(): void {
    if (this.#over) return
    this.#over = true
    for (const place of this.#places) place.drop()
  }
}
