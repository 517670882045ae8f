/** Progress by state, as one bar whose parts add up to all tasks; the words say the same. */
import type { Counts } from '../../../src/dashboard/page.ts'
import { formatCount } from '../look/format.ts'

export const stateOrder = ['done', 'failed', 'cancelled', 'running', 'ready', 'waiting'] as const

export function totalOf(counts: Counts): number {
  return stateOrder.reduce((sum, state) => sum + counts[state], 0)
}

/** `812 done, 3 failed, 10 running`: the states that there are. */
export function stateWords(counts: Counts): string {
  const words = stateOrder.filter((state) => counts[state] > 0).map((state) => `${formatCount(counts[state])} ${state}`)
  return words.length > 0 ? words.join(', ') : 'none'
}

export function StateBar({ counts, colour }: { readonly counts: Counts; readonly colour?: string | undefined }) {
  const total = Math.max(1, totalOf(counts))
  return (
    <div class="states" role="img" aria-label={stateWords(counts)} title={stateWords(counts)}>
      {stateOrder.map(
        (state) =>
          counts[state] > 0 && (
            <i
              key={state}
              class={state}
              style={{
                flexGrow: counts[state] / total,
                ...(colour && (state === 'done' || state === 'running') ? { backgroundColor: colour } : {}),
              }}
            />
          ),
      )}
    </div>
  )
}
