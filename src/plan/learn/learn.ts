/** A project whose durations are those of past runs. */
import type { Project, Task } from '../model/project.ts'
import type { Samples } from './durations.ts'

/** Older runs say little of the next one. */
const samplesMost = 20

/**
 * Each task that ran before takes the median of its last runs, and from three runs on the least and the most of them are its estimate. Names and
 * identities are looked up; tasks that did not run keep what the plan says. Never throws.
 */
export function learn(project: Project, samples: Samples): Project {
  let learned = 0
  const tasks = project.tasks.map((task): Task => {
    const known = (samples.get(task.id) ?? samples.get(task.name) ?? []).slice(-samplesMost).toSorted((a, b) => a - b)
    if (known.length === 0) return task
    learned++
    const durationMs = Math.round(median(known))
    const estimate = { minMs: Math.round(known[0] as number), likelyMs: durationMs, maxMs: Math.round(known.at(-1) as number) }
    return { ...task, durationMs, ...(known.length >= 3 && { estimate }) }
  })
  const notes = project.notes.filter((note) => learned < project.tasks.length || !note.includes('--learn'))
  const note =
    learned === 0
      ? 'no task of this plan is among the past runs'
      : `${learned} of ${tasks.length} tasks take what they took in past runs`
  return { ...project, tasks, notes: [...notes, note] }
}

function median(sorted: readonly number[]): number {
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2
}
