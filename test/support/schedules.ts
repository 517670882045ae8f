/** A scheduler of a few lines, which knows exactly why each task started when it did: the truth that analyses are held to. */
import type { TaskSpec } from './traces.ts'

export interface Job {
  readonly needs: readonly number[]
  readonly ms: number
  /** Waits for a token of the limiter before it starts. */
  readonly limited?: boolean
}

export interface Scheduled extends TaskSpec {
  readonly id: number
  /** The task whose end made this one start; 0 when it was the beginning or the limiter. */
  readonly because: number
}

/**
 * Runs jobs (job `i` has id `i + 1`, needs are ids) on so many slots, first come, first served; limited ones start at
 * least `everyMs` apart. Nothing costs any time but the jobs themselves.
 */
export function schedule(jobs: readonly Job[], slots: number, everyMs: number): Scheduled[] {
  const done: Scheduled[] = []
  const running: Scheduled[] = []
  const waiting = new Set(jobs.keys())
  const ready: { job: number; readyAt: number; because: number }[] = []
  let [now, freed, nextToken] = [0, 0, 0]
  const settled = (id: number): boolean => done.some((task) => task.id === id)
  for (;;) {
    for (const job of waiting) {
      const { needs } = jobs[job] as Job
      if (!needs.every(settled)) continue
      waiting.delete(job)
      const last = done
        .filter(({ id }) => needs.includes(id))
        .reduce<Scheduled | undefined>((a, b) => (a && a.settledAt > b.settledAt ? a : b), undefined)
      ready.push({ job, readyAt: now, because: last?.id ?? 0 })
    }
    while (running.length < slots && ready.length > 0) {
      const { job, readyAt, because } = ready.shift() as (typeof ready)[number]
      const { ms, needs, limited } = jobs[job] as Job
      // A task that waits for the limiter holds its slot, as a lane of `map` does.
      const startedAt = limited ? Math.max(now, nextToken) : now
      if (limited) nextToken = startedAt + everyMs
      const why = startedAt > now ? 0 : readyAt < now ? freed : because
      running.push({
        id: job + 1,
        index: job,
        needs,
        queuedAt: 0,
        readyAt,
        startedAt,
        limiterMs: startedAt - now,
        settledAt: startedAt + ms,
        because: why,
      })
    }
    if (running.length === 0) return done
    running.sort((a, b) => a.settledAt - b.settledAt)
    const next = running.shift() as Scheduled
    now = next.settledAt
    freed = next.id
    done.push(next)
  }
}
