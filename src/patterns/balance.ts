import { CircuitOpen, describe, InvalidOption } from '../base/errors.ts'
import { isTaskContext } from '../base/frame.ts'
import { nameOf } from '../base/look.js'
import { checkFunction, checkOptions, rules } from '../base/options.ts'
import { type BreakerOptions, CircuitBreaker } from '../limits/breaker.ts'
import type { PolicySetting } from '../limits/policy.ts'
import { type Guarded, guardWith } from '../run/guard.ts'
import { type BalanceBy, balanceWays, chooser, type Replicas } from './choose.ts'

/** Options of {@link balance}. */
export interface BalanceOptions<A extends readonly unknown[] = never> {
  /**
   * `'least-busy'`: the fewest calls under way. `'power-of-two'`: the less busy of two at random, for many clients of the same
   * replicas. `'round-robin'`: in turn. `'consistent-hash'`: the same key, the same replica. @default 'least-busy'
   */
  readonly by?: BalanceBy
  /** What `'consistent-hash'` goes by, from the arguments of the call. @default the first argument, which then has to be text or a number */
  readonly key?: (...args: A) => string | number
  /** Of each replica: it gets no calls while its breaker is open. @default those of a circuit breaker: five failures in a row, 10 s */
  readonly breaker?: BreakerOptions
  /** The name in messages and traces. @default the name of the first replica */
  readonly name?: string
}

/** A function of the same signature as the replicas, and what is known of them. */
export type Balanced<F extends (...args: never[]) => unknown> = Guarded<F> & {
  /** For reports: the calls under way at each replica, and its breaker. */
  readonly replicas: readonly { readonly busy: number; readonly breaker: CircuitBreaker }[]
}

/**
 * One function over many replicas. Each has a circuit breaker: a replica that fails is left alone, and gets its share again once a
 * probe has succeeded. Calls that failed are not sent to another replica by themselves, because only the caller knows whether that
 * does harm: `guard(balance(…), { retry: 2 })` does it.
 *
 * A replica that hangs does not count as failed until you set a bound: `replicas.map((r) => guard(r, { timeout: '5s' }))`.
 *
 * @param replicas functions of the same signature, worker functions too; at least one. Their order is their identity for
 *   `'consistent-hash'`: add new ones at the end
 *
 * @example
 * const infer = balance([gpu0, gpu1, gpu2], { by: 'least-busy' })
 *
 * @throws {InvalidOption} at once, for a wrong option
 * @throws {CircuitOpen} (as a rejection) when the breakers of all replicas refuse
 */
export function balance<F extends (...args: never[]) => unknown>(
  replicas: readonly F[],
  options: BalanceOptions<Parameters<F>> = {},
): Balanced<F> {
  return balanceWith(replicas, options)
}

/** @internal With a clock and random numbers of the caller's. */
export function balanceWith<F extends (...args: never[]) => unknown>(
  replicas: readonly F[],
  options: BalanceOptions<Parameters<F>>,
  setting: PolicySetting = {},
): Balanced<F> {
  if (!Array.isArray(replicas) || replicas.length === 0) {
    throw new InvalidOption(`Expected \`replicas\` of balance to be a list of at least one function, got ${describe(replicas)}`)
  }
  for (const [index, replica] of replicas.entries()) checkFunction(replica, `replicas[${index}]`, 'balance')
  checkOptions<BalanceOptions<Parameters<F>>>(
    options,
    { by: rules.oneOf(...balanceWays), key: rules.function, breaker: rules.object, name: rules.string },
    'balance',
  )
  const { by = 'least-busy', name = nameOf(replicas[0]) } = options
  const members = replicas.map((replica, index) => new Replica(replica, index, name, options.breaker ?? {}, setting))
  const view: Replicas = {
    count: members.length,
    busy: (index) => (members[index] as Replica).busy,
    ready: (index) => (members[index] as Replica).breaker.ready,
  }
  const choose = chooser(by, setting.random ?? Math.random)
  const keyOf = (options.key ?? firstArgument) as (...args: readonly unknown[]) => string | number
  const balanced = async function (this: unknown, ...args: unknown[]): Promise<unknown> {
    const key = by === 'consistent-hash' ? String(keyOf(...(isTaskContext(args.at(-1)) ? args.slice(0, -1) : args))) : ''
    const chosen = choose(view, key)
    if (chosen === undefined) throw refusal(members.length, name)
    return (members[chosen] as Replica).call(this, args)
  }
  Object.defineProperty(balanced, 'name', { value: name, configurable: true })
  Object.defineProperty(balanced, 'length', { value: (replicas[0] as F).length, configurable: true })
  Object.defineProperty(balanced, 'replicas', { value: members })
  return balanced as unknown as Balanced<F>
}

class Replica {
  busy = 0
  readonly breaker: CircuitBreaker
  readonly #fn: (...args: readonly unknown[]) => Promise<unknown>

  constructor(fn: (...args: never[]) => unknown, index: number, name: string, options: BreakerOptions, setting: PolicySetting) {
    const label = `replica ${index}${name === '' ? '' : ` of "${name}"`}`
    this.breaker = new CircuitBreaker({ name: `the circuit breaker of ${label}`, ...options }, setting.clock)
    this.#fn = guardWith(fn, { breaker: this.breaker, name: label }, setting) as (...args: readonly unknown[]) => Promise<unknown>
  }

  /** The breaker is asked before anything is awaited, so it still stands as it did when the replica was chosen. */
  async call(self: unknown, args: readonly unknown[]): Promise<unknown> {
    this.busy++
    try {
      return await this.#fn.apply(self, [...args])
    } finally {
      this.busy--
    }
  }
}

function firstArgument(value: unknown): string | number {
  if (typeof value === 'string' || typeof value === 'number') return value
  throw new InvalidOption(
    `Expected the first argument of a call balanced by 'consistent-hash' to be text or a number, got ${describe(value)}`,
    {
      hint: 'Give a `key`: it makes text out of the arguments.',
    },
  )
}

function refusal(count: number, name: string): CircuitOpen {
  const whose = name === '' ? '' : ` of "${name}"`
  return new CircuitOpen(`Refused without trying: the circuit breakers of all ${count} replicas${whose} are open`, {
    hint: 'All replicas failed too often. Each is tried again after the `reset` of its breaker.',
  })
}
