/** Everything about one task: what it failed with, what it waited for, who it needed and who needed it. */
import type { ComponentChildren } from 'preact'
import type { TaskDetail, TaskRef } from '../../../src/dashboard/page.ts'
import { countOf, formatBytes, formatCount, formatMs, formatShare } from '../look/format.ts'
import { Icon } from '../parts/Icon.tsx'
import { Swatch } from '../parts/Swatch.tsx'
import { useModel } from '../state/context.ts'
import { openTask } from '../state/walk.ts'

export function Detail() {
  const model = useModel()
  const task = model.detail.value.value
  const wanted = model.task.value
  const error = model.detail.error.value
  return (
    <aside class="detail" aria-label="Task">
      <header>
        {task && task.id === wanted ? (
          <h3 title={task.label}>
            <Swatch group={task.group} failed={task.state === 'failed'} /> {task.label}
          </h3>
        ) : (
          <h3 class="muted">{error ? 'No such task' : '…'}</h3>
        )}
        <button type="button" class="button" title="Close (Esc)" onClick={() => (model.task.value = undefined)}>
          <Icon name="close" />
        </button>
      </header>
      <div class="scroll" tabIndex={0} aria-label="Details">
        {error && !task && <p class="empty">{error.message}</p>}
        {task && <Content task={task} />}
      </div>
    </aside>
  )
}

function Content({ task }: { readonly task: TaskDetail }) {
  const model = useModel()
  const started = task.startedAt >= 0
  return (
    <>
      <p class="badges">
        <span class={`badge ${task.state}`}>{task.state}</span>
        {task.critical && <span class="badge critical">critical path</span>}
        {task.attempts > 1 && <span class="badge">{countOf(task.attempts, 'attempt')}</span>}
      </p>
      {task.failure && <Failure failure={task.failure} />}
      <Stages task={task} />
      <dl class="facts">
        <Fact name="run">{task.run}</Fact>
        <Fact name="place in it">{task.index < 0 ? '–' : formatCount(task.index)}</Fact>
        <Fact name="ran on">{task.executor === 0 ? 'this thread' : `worker ${task.executor}`}</Fact>
        <Fact name="queued at">{formatMs(task.queuedAt)}</Fact>
        <Fact name="started at">{started ? formatMs(task.startedAt) : 'not yet'}</Fact>
        <Fact name="settled at">{task.settledAt >= 0 ? formatMs(task.settledAt) : 'not yet'}</Fact>
        <Fact name="attempts">{formatCount(task.attempts)}</Fact>
        {task.bytes > 0 && <Fact name="crossed threads">{formatBytes(task.bytes)}</Fact>}
        <Fact name="group">
          <button type="button" class="plain" onClick={() => (model.group.value = task.group)}>
            {model.label(task.group)}
          </button>
        </Fact>
      </dl>
      {task.parent && <Refs title="Started inside" refs={[task.parent]} total={1} />}
      <Refs title="Needed" refs={task.needs} total={task.needsTotal} />
      <Refs title="Needed by" refs={task.neededBy} total={task.neededByTotal} />
      <Refs title="Started" refs={task.children} total={task.childrenTotal} />
    </>
  )
}

function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  )
}

/** From known to settled as one bar: what it waited for, and the work. */
function Stages({ task }: { readonly task: TaskDetail }) {
  const { dependencyMs, slotMs, limiterMs, retryMs } = task.waits
  const stages = [
    { key: 'dependency', words: 'waited for needs', ms: dependencyMs },
    { key: 'slot', words: 'waited for a slot or worker', ms: slotMs },
    { key: 'limiter', words: 'waited on a limiter', ms: limiterMs },
    { key: 'retry', words: 'paused before another attempt', ms: retryMs },
    {
      key: 'running',
      words: task.settledAt < 0 && task.startedAt >= 0 ? 'running' : 'ran',
      ms: Math.max(0, task.durationMs - retryMs),
    },
  ].filter(({ ms }) => ms > 0)
  const total = stages.reduce((sum, { ms }) => sum + ms, 0)
  if (total <= 0) return null
  return (
    <div class="stages">
      <div class="use-bar">
        {stages.map(({ key, words, ms }) => (
          <i key={key} class={`use ${key}`} style={{ flexGrow: ms / total }} title={`${words}: ${formatMs(ms)}`} />
        ))}
      </div>
      <ul>
        {stages.map(({ key, words, ms }) => (
          <li key={key}>
            <i class={`use ${key}`} /> {words}
            <span>{formatMs(ms)}</span>
            <span class="muted">{formatShare(ms / total)}</span>
          </li>
        ))}
      </ul>
    </div>
  )
}

function Failure({ failure }: { readonly failure: NonNullable<TaskDetail['failure']> }) {
  const { name, message, code, stack, frame } = failure
  return (
    <section class="failure" aria-label="Error">
      <p>
        <b>{name}</b>
        {code !== undefined && <code>{code}</code>}
      </p>
      <p class="message">{message}</p>
      {frame && (
        <>
          <p class="muted at">{frame.at}</p>
          <pre class="frame-code">
            {frame.lines.map(({ number, text, here }) => (
              <div key={number} class={here ? 'here' : ''}>
                <span>{number}</span>
                {text}
              </div>
            ))}
          </pre>
        </>
      )}
      {stack !== undefined && (
        <details open={!frame}>
          <summary>Stack</summary>
          <pre class="stack">{stack}</pre>
        </details>
      )}
    </section>
  )
}

function Refs({ title, refs, total }: { readonly title: string; readonly refs: readonly TaskRef[]; readonly total: number }) {
  const model = useModel()
  if (total === 0) return null
  return (
    <section class="refs">
      <h4>
        {title} <span class="muted">{total > 1 && formatCount(total)}</span>
      </h4>
      {refs.map((ref) => (
        <button key={ref.id} type="button" class="plain" onClick={() => void openTask(model, ref.id)}>
          <Swatch group={ref.group} failed={ref.state === 'failed'} />
          <span>{ref.label}</span>
          {ref.state !== 'done' && <span class={ref.state === 'failed' ? 'bad' : 'muted'}>{ref.state}</span>}
        </button>
      ))}
      {refs.length < total && <p class="muted">and {formatCount(total - refs.length)} more</p>}
    </section>
  )
}
