/** Worker functions in a row as one worker function. */
import { describe, InvalidOption } from '../base/errors.ts'
import { call } from '../run/call.ts'
import { composedRef } from '../run/composed.ts'
import { type FunctionRef, functionRef, refOf } from '../run/executor.ts'

/** What a worker function gives, and what the next one gets. */
type Step<I, O> = (item: I) => Promise<O>

/**
 * Worker functions in a row as one: the second gets what the first gives, on the same worker, so that what is between them neither crosses nor is copied.
 * `map`, `mapReduce`, `settle`, `graph`, streams and direct calls take the result as any worker function. Each function owns what it gets.
 *
 * @param first gets the arguments of the call
 * @returns a worker function, on the threads of the first
 * @throws {InvalidOption} where one is not a worker function, or belongs to another executor than the first
 *
 * @example
 * const pages = await map(paths, pipe(readMarkdown, render, minify))
 */
export function pipe<A extends unknown[], B, C>(first: (...args: A) => Promise<B>, second: Step<B, C>): (...args: A) => Promise<C>
export function pipe<A extends unknown[], B, C, D>(
  first: (...args: A) => Promise<B>,
  second: Step<B, C>,
  third: Step<C, D>,
): (...args: A) => Promise<D>
export function pipe<A extends unknown[], B, C, D, E>(
  first: (...args: A) => Promise<B>,
  second: Step<B, C>,
  third: Step<C, D>,
  fourth: Step<D, E>,
): (...args: A) => Promise<E>
export function pipe<A extends unknown[], B, C, D, E, F>(
  first: (...args: A) => Promise<B>,
  second: Step<B, C>,
  third: Step<C, D>,
  fourth: Step<D, E>,
  fifth: Step<E, F>,
): (...args: A) => Promise<F>
export function pipe(...fns: ((...args: never[]) => Promise<unknown>)[]): (...args: unknown[]) => Promise<unknown> {
  const refs = fns.map(checked)
  const [first, ...rest] = refs
  if (!first || rest.length === 0)
    throw new InvalidOption(`Expected pipe to get two worker functions or more, got ${fns.length}`, {
      hint: 'Write pipe(first, second).',
    })
  const stranger = rest.find(({ executor }) => executor !== first.executor)
  if (stranger)
    throw new InvalidOption(
      `Expected the functions of pipe to run on one executor: "${first.name}" runs on "${first.executor.name}", "${stranger.name}" on "${stranger.executor.name}"`,
      { hint: 'Give their modules the same `isolation` and the same `on`.' },
    )
  // Inside a worker they run right here, and elsewhere a call crosses for each.
  if (first.executor.keepsValues === undefined) return oneByOne(fns as never)
  const ref = rest.reduce(composedRef, first)
  const stub = (...args: unknown[]): Promise<unknown> => call(ref, args)
  Object.defineProperty(stub, 'name', { value: ref.name })
  return Object.defineProperty(stub, functionRef, { value: ref })
}

function checked(fn: unknown, i: number): FunctionRef {
  const ref = refOf(fn)
  if (ref) return ref
  throw new InvalidOption(`Expected argument ${i + 1} of pipe to be a worker function, got ${describe(fn)}`, {
    hint: 'Define it in a module of its own: export const { name } = workers(import.meta.url, { name(item) { … } }).',
  })
}

function oneByOne(fns: readonly ((...args: unknown[]) => Promise<unknown>)[]): (...args: unknown[]) => Promise<unknown> {
  const [first, ...rest] = fns as [(typeof fns)[number], ...(typeof fns)[number][]]
  return async (...args) => {
    // A map gives its context as the last argument: each function has one of its own.
    let value = await first(...args)
    for (const fn of rest) value = await fn(value)
    return value
  }
}
