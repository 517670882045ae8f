import type { Store } from './store.ts'

/** Removes the jobs of a run, but those that machines have: they end by themselves, because their workers see that the run is gone. */
export async function removeJobs(store: Store, queue: string, run: string): Promise<void> {
  const ids = (await store.jobs(queue)).filter((id) => id.startsWith(`${run}-`))
  const recalled = await store.recall(queue, ids)
  const states = await store.states(queue, ids)
  await store.forget(
    queue,
    ids.filter((_, i) => !recalled[i] && (states[i]?.state === 'done' || states[i]?.state === 'failed')),
  )
}
