/** Where the time of every executor went. Running and idle add up to wall time × slots, and the last line says so. */
import type { UseRow } from '../../../src/dashboard/page.ts'
import { formatCount, formatMs, formatShare } from '../look/format.ts'
import { useModel } from '../state/context.ts'

/** In the order in which the sweep asks for them, so that bars have the same order everywhere. */
const causes = ['startup', 'dispatch', 'limiter', 'retry', 'slot', 'dependency', 'tail', 'program'] as const

export function Time() {
  const model = useModel()
  const found = model.explanation.value.value
  if (!found) return <p class="empty">Adding up …</p>
  if (found.rows.length === 0) return <p class="empty">Nothing ran here.</p>
  const { rows, wallMs } = found
  const words = new Map(rows.flatMap(({ idle }) => idle.map(({ cause, words }) => [cause, words] as const)))
  const sum = sumOf(rows)
  return (
    <div class="where scroll" tabIndex={0} aria-label="Where the time went">
      <ul class="legend">
        <li>
          <i class="use running" /> running
        </li>
        {causes.map(
          (cause) =>
            words.has(cause) && (
              <li key={cause}>
                <i class={`use ${cause}`} /> {words.get(cause)}
              </li>
            ),
        )}
      </ul>
      <div class="uses">
        {rows
          .toSorted((a, b) => Number(a.executor === 0) - Number(b.executor === 0))
          .map((row) => (
            <Use key={row.executor} row={row} wallMs={wallMs} />
          ))}
        {rows.length > 1 && <Use row={sum} wallMs={wallMs} total />}
      </div>
      <p class="muted sum">
        {formatMs(sum.runningMs)} running + {formatMs(idleOf(sum))} idle = {formatMs(sum.runningMs + idleOf(sum))} ={' '}
        {formatMs(wallMs)} wall time × {formatCount(sum.slots)} {sum.slots === 1 ? 'slot' : 'slots'}
      </p>
    </div>
  )
}

const idleOf = ({ idle }: UseRow): number => idle.reduce((sum, { ms }) => sum + ms, 0)

function sumOf(rows: readonly UseRow[]): UseRow {
  const idle = new Map<string, { cause: string; words: string; ms: number }>()
  for (const row of rows) {
    for (const { cause, words, ms } of row.idle) {
      const known = idle.get(cause)
      if (known) known.ms += ms
      else idle.set(cause, { cause, words, ms })
    }
  }
  const add = (pick: (row: UseRow) => number): number => rows.reduce((sum, row) => sum + pick(row), 0)
  return {
    executor: -1,
    label: 'together',
    slots: add(({ slots }) => slots),
    tasks: add(({ tasks }) => tasks),
    runningMs: add(({ runningMs }) => runningMs),
    idle: [...idle.values()],
  }
}

function Use({ row, wallMs, total = false }: { readonly row: UseRow; readonly wallMs: number; readonly total?: boolean }) {
  const whole = Math.max(1e-9, wallMs * row.slots)
  const main = row.idle.toSorted((a, b) => b.ms - a.ms)[0]
  return (
    <div class={`use-row${total ? ' total' : ''}`}>
      <span class="name">
        {row.label}
        {row.slots > 1 && !total && <span class="muted"> × {formatCount(row.slots)}</span>}
      </span>
      <div class="use-bar" role="img" aria-label={`${row.label}: running ${formatShare(row.runningMs / whole)}`}>
        <i class="use running" style={{ flexGrow: row.runningMs / whole }} title={`running ${formatMs(row.runningMs)}`} />
        {causes.map((cause) => {
          const part = row.idle.find((idle) => idle.cause === cause)
          return (
            part &&
            part.ms > 0 && (
              <i
                key={cause}
                class={`use ${cause}`}
                style={{ flexGrow: part.ms / whole }}
                title={`idle, ${part.words}: ${formatMs(part.ms)}`}
              />
            )
          )
        })}
      </div>
      <span class="right">{formatShare(row.runningMs / whole)}</span>
      <span class="right muted">{formatCount(row.tasks)} tasks</span>
      <span class="muted why">
        {main && main.ms / whole > 0.005 ? `idle ${formatShare(idleOf(row) / whole)}, mostly ${main.words}` : 'never idle'}
      </span>
    </div>
  )
}
