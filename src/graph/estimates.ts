import { type Duration, durationMs } from '../base/duration.ts'
import { describe, InvalidOption } from '../base/errors.ts'
import type { GraphModel } from './model.ts'

/** How long tasks take, by name; of a trace of an earlier run, say. Names that the graph does not have are ignored. */
export type Durations = Readonly<Record<string, Duration>> | ReadonlyMap<string, Duration>

/** The time that a task counts as when nothing is known about any: then the longest path is the one with the most tasks. */
const unknownMs = 1

/** Whether anything is known of how long a task of the graph takes. */
export function anyKnown(model: GraphModel, tasks: Uint32Array, durations: Durations | undefined): boolean {
  const { estimatesMs } = model
  return tasks.some(
    (task) =>
      !Number.isNaN(estimatesMs[task]) || (durations !== undefined && lookUp(durations, model.nameOf(task)) !== undefined),
  )
}

/**
 * The expected milliseconds of each of the given tasks: what `durations` says, else the task's own estimate, else the mean of
 * the tasks that have one of these, else 1.
 */
export function expectedMs(
  model: GraphModel,
  tasks: Uint32Array,
  durations: Durations | undefined,
  learned?: ReadonlyMap<string, number>,
): Float64Array {
  const { estimatesMs } = model
  const expected = new Float64Array(tasks.length)
  for (let i = 0; i < tasks.length; i++) expected[i] = estimatesMs[tasks[i] as number] as number
  if (learned !== undefined) {
    for (let i = 0; i < tasks.length; i++) expected[i] = learned.get(model.nameOf(tasks[i] as number)) ?? (expected[i] as number)
  }
  if (durations !== undefined) {
    for (let i = 0; i < tasks.length; i++) {
      const name = model.nameOf(tasks[i] as number)
      const given = lookUp(durations, name)
      if (given !== undefined) expected[i] = finiteMs(given, `durations[${JSON.stringify(name)}]`)
    }
  }
  fillUnknown(expected)
  return expected
}

function lookUp(durations: Durations, name: string): Duration | undefined {
  if (durations instanceof Map) return durations.get(name)
  return Object.hasOwn(durations, name) ? (durations as Record<string, Duration>)[name] : undefined
}

/** @throws {InvalidOption} also for `Infinity`: no schedule can be made with it */
export function finiteMs(value: Duration, option: string): number {
  const ms = durationMs(value, option)
  if (Number.isFinite(ms)) return ms
  throw new InvalidOption(`Expected \`${option}\` to be finite, got ${describe(value)}`)
}

function fillUnknown(expected: Float64Array): void {
  let sum = 0
  let known = 0
  for (const ms of expected) {
    if (Number.isNaN(ms)) continue
    sum += ms
    known++
  }
  if (known === expected.length) return
  const mean = known === 0 ? unknownMs : sum / known
  for (let i = 0; i < expected.length; i++) if (Number.isNaN(expected[i])) expected[i] = mean
}
