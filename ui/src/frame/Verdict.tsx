/** The answer at the top: how much faster, what bounds it, who is idle and why, what is worth changing, what failed. */
import type { ComponentChildren } from 'preact'
import type { ExplanationView } from '../../../src/dashboard/page.ts'
import { shortName } from '../look/families.ts'
import { countOf, formatCount, formatFactor, formatMs, formatShare, speedupWords } from '../look/format.ts'
import { StateBar, stateWords, totalOf } from '../parts/States.tsx'
import { useModel } from '../state/context.ts'
import type { Tab } from '../state/model.ts'

interface CellProps {
  readonly title: string
  readonly tab: Tab
  readonly big: ComponentChildren
  readonly tone?: 'bad' | 'strong' | undefined
  readonly children?: ComponentChildren
  readonly hint?: string | undefined
  /** The moment that it shows, where the rest of the page is further. */
  readonly at?: number | undefined
}

function Cell({ title, tab, big, tone, children, hint, at }: CellProps) {
  const model = useModel()
  return (
    <button
      type="button"
      class={`cell ${tone ?? ''}${at === undefined ? '' : ' old'}`}
      title={hint}
      onClick={() => (model.tab.value = tab)}
    >
      <span class="title">
        {title}
        {at !== undefined && ` · at ${formatMs(at)}`}
      </span>
      <span class="big">{big}</span>
      <span class="small">{children}</span>
    </button>
  )
}

export function Verdict() {
  const model = useModel()
  const overview = model.overview.value.value
  const found = model.explanation.value.value
  // Counts come more often than answers, which rest while the program needs every core; those of a range come with its answer.
  const counts = model.live.value && !model.range.value ? model.tick.value?.counts : overview?.counts
  const failed = counts?.failed ?? 0
  const advice = found?.advice[0]
  const ran = found !== undefined && found.rows.length > 0
  const pathWords = ran && found.wallMs > 0 ? boundOf(found) : undefined
  const wait = <span class="wait" />
  const at = model.explainedUntil.value
  return (
    <section class="verdict" aria-label="Verdict">
      <Cell
        title={found && ran && found.speedupIs === 'unknown' ? 'At once' : 'Speedup'}
        tab="time"
        at={at}
        tone="strong"
        big={found ? (ran ? speedupWords(found) : '–') : wait}
        hint={found?.verdict[0]}
      >
        {found &&
          (ran
            ? `${formatMs(found.speedupIs === 'unknown' ? found.computedMs : found.workMs)} ${found.speedupIs === 'unknown' ? 'computed' : 'of work'} in ${formatMs(found.wallMs)}`
            : 'nothing ran')}
      </Cell>
      <Cell
        title="Bound by"
        tab="fix"
        at={at}
        big={pathWords ? <span class="words">{pathWords.what}</span> : found ? '–' : wait}
        hint={found?.verdict[1]}
      >
        {pathWords?.note}
      </Cell>
      <Cell
        title="Idle"
        tab="time"
        at={at}
        big={found ? (ran ? formatShare(found.idle.share) : '–') : wait}
        hint={found?.verdict[2]}
      >
        {found && (found.rows.length === 0 ? 'nothing ran' : idleWords(found.idle))}
      </Cell>
      <Cell
        title="Worth fixing"
        tab="fix"
        at={at}
        big={found ? <span class="words">{advice?.message ?? (ran ? 'nothing stands out' : '–')}</span> : wait}
        hint={advice?.proof.join('; ')}
      >
        {advice ? (
          <>
            {advice.savingMs > 0 ? `saves ≈ ${formatMs(advice.savingMs)}` : 'see how'}
            {found && found.advice.length > 1 && ` · ${formatCount(found.advice.length - 1)} more`}
          </>
        ) : (
          found && found.parallelism > 0 && `at most ${formatFactor(found.parallelism)}, however many workers`
        )}
      </Cell>
      <Cell
        title={failed > 0 ? 'Failed' : 'Tasks'}
        tab={failed > 0 ? 'failures' : 'groups'}
        tone={failed > 0 ? 'bad' : undefined}
        big={counts ? formatCount(failed > 0 ? failed : totalOf(counts)) : wait}
        hint={counts && stateWords(counts)}
      >
        {counts && (
          <>
            {failed > 0 ? `of ${countOf(totalOf(counts), 'task')}` : stateWords(counts)}
            <StateBar counts={counts} />
          </>
        )}
      </Cell>
    </section>
  )
}

/** What took most of the critical path. */
function boundOf(found: {
  readonly pathMs: Readonly<Record<string, number>>
  readonly wallMs: number
  readonly bound: readonly { label: string; ms: number; tasks: number }[]
}):
  | {
      readonly what: string
      readonly note: string
    }
  | undefined {
  const { pathMs, wallMs, bound } = found
  const most = Object.entries(pathMs).reduce((best, entry) => (entry[1] > best[1] ? entry : best), ['', 0])
  const share = (ms: number): string => `${formatShare(ms / wallMs)} of the wall time`
  if (most[0] === 'limiter') return { what: 'a limiter', note: `${formatMs(most[1])} of waiting, ${share(most[1])}` }
  if (most[0] === 'outside') return { what: 'code between runs', note: `${formatMs(most[1])}, ${share(most[1])}` }
  const top = bound.toSorted((a, b) => b.ms - a.ms)[0]
  if (!top) return undefined
  return { what: shortName(top.label), note: `${top.tasks > 1 ? `${formatCount(top.tasks)} in a row, ` : ''}${share(top.ms)}` }
}

function idleWords({ of, rows, share, tookTurns, main }: ExplanationView['idle']): string {
  if (tookTurns) return `${formatCount(rows)} at once took turns on this thread`
  const who = of === 'workers' ? countOf(rows, 'worker') : `${formatCount(rows)} at once`
  return share >= 0.005 ? `${who}, mostly ${main}` : who
}
