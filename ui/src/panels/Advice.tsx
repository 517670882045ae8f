/** What is worth changing, the largest saving first; and what happened that is not a task. */
import { countOf, formatCount, formatMs } from '../look/format.ts'
import { useModel } from '../state/context.ts'

export function Advice() {
  const model = useModel()
  const found = model.explanation.value.value
  return (
    <section class="column advice" aria-label="What to fix">
      <header>
        <h3>What to fix</h3>
        {found && found.advice.length > 0 && <span class="muted">the largest saving first</span>}
      </header>
      <div class="scroll" tabIndex={0} aria-label="Advice">
        {!found && <p class="empty">Judging the run …</p>}
        {found?.advice.length === 0 && (
          <div class="verdict-lines">
            <p>
              {found.rows.length === 0
                ? 'Nothing ran here.'
                : 'Nothing stands out: no pitfall that would save 5 % of the time or more.'}
            </p>
            {found.rows.length > 0 && found.verdict.map((line) => <p key={line}>{line}</p>)}
          </div>
        )}
        {found?.advice.map(({ rule, message, proof, savingMs, remedy }) => (
          <article key={rule + message}>
            <h4>
              {message}
              {savingMs > 0 && <b title="of the wall time, estimated">saves ≈ {formatMs(savingMs)}</b>}
            </h4>
            <p>{proof.join('; ')}</p>
            <Code text={remedy} />
          </article>
        ))}
        <Notes />
      </div>
    </section>
  )
}

/** More than this are said to be there, not listed. */
const notesMax = 200

/** What happened that is not a task: workers that came and went, maps that finished on this thread, concurrency that was adapted. */
function Notes() {
  const model = useModel()
  const overview = model.overview.value.value
  if (!overview || overview.notesTotal === 0) return null
  const shown = overview.notes.slice(-notesMax)
  const earlier = overview.notesTotal - shown.length
  return (
    <details class="notes">
      <summary>
        {countOf(overview.notesTotal, 'note')} <span class="muted">on workers, batches, limits</span>
      </summary>
      {earlier > 0 && <p>{formatCount(earlier)} earlier ones are in the trace</p>}
      <ul>
        {shown.map(({ at, kind, text }, i) => (
          <li key={i} class={kind === 'worker-crash' ? 'bad' : ''}>
            <span class="muted">{formatMs(at)}</span>
            <span class="muted">{kind}</span>
            <span>{text}</span>
          </li>
        ))}
      </ul>
    </details>
  )
}

function Code({ text }: { readonly text: string }) {
  return (
    <pre class="code">
      <code>{text}</code>
      <button type="button" title="Copy" onClick={() => void navigator.clipboard?.writeText(text).catch(() => undefined)}>
        copy
      </button>
    </pre>
  )
}
