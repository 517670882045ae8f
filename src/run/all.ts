import { tellCaller } from '../base/call-site.ts'
import type { TaskContext } from '../base/frame.ts'
import { describe, InvalidOption } from '../base/errors.ts'
import { isA } from '../base/look.js'
import { checkOptions, rules } from '../base/options.ts'
import { compilePolicy, type PolicyOptions, policyRules } from '../limits/policy.ts'
import { keepPartial } from './failure.ts'
import { Group, type RunOptions, runRules } from './group.ts'
import { runTask } from './task.ts'

type Task<T = unknown> = (context: TaskContext) => T | PromiseLike<T>
type Tasks = readonly Task[] | Readonly<Record<string, Task>>
type Results<W extends Tasks> = { -readonly [K in keyof W]: W[K] extends (...args: never[]) => infer R ? Awaited<R> : never }
type Settled<W extends Tasks> = {
  -readonly [K in keyof W]: W[K] extends (...args: never[]) => infer R ? PromiseSettledResult<Awaited<R>> : never
}

/** Options of {@link all}. */
export interface AllOptions extends RunOptions, PolicyOptions {
  /**
   * `'stop'`: the first failure cancels the others, waits until they have settled, and is what `all` rejects with.
   * `'settle'`: every task's outcome comes back. @default 'stop'
   */
  readonly onFailure?: 'stop' | 'settle'
}

const allRules = { ...runRules, ...policyRules, onFailure: rules.oneOf('stop', 'settle') }

/**
 * Fork-join: runs every function at once, and gives their results under the same names, or in the same order.
 *
 * @param tasks a record or a list of functions; each gets a `TaskContext` with a `signal`. All start at once: the list is
 *   written by hand, so its length is the bound. For many items use `map`.
 * @throws the first failure; `partialResults(error)` holds what had completed
 *
 * @example
 * const { sentiment, entities } = await all({
 *   sentiment: () => analyse(text),
 *   entities: (ctx) => extract(text, ctx.signal),
 * })
 */
export function all<const W extends Tasks>(tasks: W, options: AllOptions & { readonly onFailure: 'settle' }): Promise<Settled<W>>
export function all<const W extends Tasks>(tasks: W, options?: AllOptions): Promise<Results<W>>
export async function all(tasks: Tasks, options: AllOptions = {}): Promise<unknown> {
  checkOptions<AllOptions>(options, allRules, 'all')
  const names = checkTasks(tasks)
  const listed = Array.isArray(tasks)
  const group = new Group('all', '', options, names.length, names.length)
  const settles = options.onFailure === 'settle'
  const policy = compilePolicy(options)
  const outcomes = Array.from<PromiseSettledResult<unknown> | undefined>({ length: names.length })

  const one = async (name: string, index: number): Promise<void> => {
    try {
      if (group.aborted) throw group.cancelError()
      const value = await runTask(
        { group, index, name: listed ? undefined : name, policy },
        (tasks as Record<string, Task>)[name] as Task,
      )
      outcomes[index] = { status: 'fulfilled', value }
    } catch (reason) {
      outcomes[index] = { status: 'rejected', reason }
      if (!settles) group.fail(reason, listed ? index : name)
    }
  }

  await group.settled(Promise.all(names.map(one)))
  group.close()
  if (settles) {
    tellCaller(outcomes.map((outcome) => outcome?.status === 'rejected' && outcome.reason))
    return collect(names, listed, (index) => outcomes[index] ?? { status: 'rejected', reason: group.cancelError() })
  }
  if (!group.aborted) return collect(names, listed, (index) => valueOf(outcomes[index]))
  const failure = group.failure ? group.failure.error : group.cancelError()
  const done = [...names.keys()].filter((index) => outcomes[index]?.status === 'fulfilled')
  keepPartial(failure, {
    results: listed
      ? outcomes.map(valueOf)
      : Object.fromEntries(done.map((index) => [names[index] as string, valueOf(outcomes[index])])),
    completed: done.length,
    failed: group.failure?.at ?? -1,
  })
  throw failure
}

function valueOf(outcome: PromiseSettledResult<unknown> | undefined): unknown {
  return outcome?.status === 'fulfilled' ? outcome.value : undefined
}

/** A list, or a record that takes any name as its own property, `__proto__` too. */
function collect(names: readonly string[], listed: boolean, at: (index: number) => unknown): unknown {
  if (listed) return names.map((_, index) => at(index))
  return Object.fromEntries(names.map((name, index) => [name, at(index)]))
}

function checkTasks(tasks: unknown): string[] {
  if (typeof tasks !== 'object' || tasks === null) {
    throw new InvalidOption(`Expected all to get a record or a list of functions, got ${describe(tasks)}`)
  }
  const names = Object.keys(tasks)
  for (const name of names) {
    const task = (tasks as Record<string, unknown>)[name]
    if (typeof task === 'function') continue
    throw new InvalidOption(`Expected task \`${name}\` of all to be a function, got ${describe(task)}`, {
      hint: Object.hasOwn(allRules, name)
        ? `Options are the second argument: all({ … }, { ${name}: … }).`
        : isA(task, Promise)
          ? `Write a function that starts the work: { ${name}: () => … }; then heddle can cancel, time and bound it.`
          : undefined,
    })
  }
  return names
}
