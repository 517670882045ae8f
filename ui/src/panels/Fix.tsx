/** What bounds the run, as a chain, and what is worth changing. */
import type { PathSegment, PathView, SegmentKind } from '../../../src/dashboard/page.ts'
import { shortName } from '../look/families.ts'
import { countOf, formatCount, formatMs, formatShare } from '../look/format.ts'
import { Swatch } from '../parts/Swatch.tsx'
import { Table, type Column } from '../parts/Table.tsx'
import { useModel } from '../state/context.ts'
import type { Model } from '../state/model.ts'
import { openTask } from '../state/walk.ts'
import { Advice } from './Advice.tsx'

const kinds: Readonly<Record<SegmentKind, { readonly title: string; readonly hint: string }>> = {
  work: { title: 'work', hint: 'the task itself' },
  limiter: { title: 'limiter', hint: 'ready, and held back by a limiter' },
  queue: { title: 'queue', hint: 'waited, and nothing that was recorded stood in the way' },
  dispatch: { title: 'handing out', hint: 'between the end of one task and the start of the next' },
  outside: { title: 'outside', hint: 'the program’s own code between runs' },
}

export function Fix() {
  return (
    <div class="split">
      <Path />
      <Advice />
    </div>
  )
}

function Path() {
  const model = useModel()
  const path = model.path.value.value
  const wallMs = path ? Object.values(path.ms).reduce((sum, ms) => sum + ms, 0) : 0
  const columns: Column<PathSegment>[] = [
    { key: 'at', title: 'at', width: '76px', right: true, cell: ({ from }) => formatMs(from) },
    {
      key: 'what',
      title: 'what the end waited for',
      width: 'minmax(0, 1fr)',
      cell: ({ kind, task }) => (
        <>
          {task ? <Swatch group={task.group} failed={task.state === 'failed'} /> : <i class="swatch none" />}
          <span class={kind === 'work' ? '' : 'muted'}>
            {kind !== 'work' && `${kinds[kind].title}${task ? ': ' : ''}`}
            {task?.label ?? (kind === 'work' ? '' : '')}
          </span>
        </>
      ),
    },
    { key: 'ms', title: 'took', width: '76px', right: true, cell: ({ from, to }) => formatMs(to - from) },
    {
      key: 'share',
      title: 'share',
      width: '92px',
      right: true,
      hint: 'of the wall time',
      cell: ({ from, to }) => (
        <span class="bar-cell" style={{ '--share': wallMs > 0 ? (to - from) / wallMs : 0 }}>
          {formatShare(wallMs > 0 ? (to - from) / wallMs : 0)}
        </span>
      ),
    },
  ]
  return (
    <section class="column" aria-label="Critical path">
      <header>
        <h3>Critical path</h3>
        <span class="muted">
          {path &&
            (path.segments.length < path.total
              ? `the ${formatCount(path.segments.length)} longest of ${countOf(path.total, 'step')}`
              : countOf(path.total, 'step'))}
        </span>
        <span class="hint">
          <kbd>C</kbd> follows it
        </span>
      </header>
      {path && wallMs > 0 && <Parts parts={partsOf(model, path.ms)} wallMs={wallMs} />}
      <Table
        label="path"
        columns={columns}
        total={path?.segments.length ?? 0}
        row={(i) => path?.segments[i]}
        picked={({ task }) => task !== undefined && task.id === model.task.value}
        onPick={({ task, from, to }) => (task ? openTask(model, task.id, { from, to }) : model.focus({ from, to }))}
        empty={path ? 'Nothing happened here.' : 'Finding the chain that decided the end …'}
      />
    </section>
  )
}

interface Part {
  readonly key: string
  readonly words: string
  readonly hint: string
  readonly ms: number
  readonly colour?: string
}

/** The work by group, then the other kinds of time. */
function partsOf(model: Model, ms: PathView['ms']): Part[] {
  const bound = model.explanation.value.value?.bound ?? []
  const work = bound
    .toSorted((a, b) => b.ms - a.ms)
    .map(({ group, label, ms, tasks }) => ({
      key: `group ${group}`,
      words: shortName(label),
      hint: `${label}: ${countOf(tasks, 'task')} in a row`,
      ms,
      colour: model.colour(group),
    }))
  const others = Object.entries(ms).filter(([kind]) => kind !== 'work' || work.length === 0)
  return [
    ...work,
    ...others.map(([kind, ms]) => {
      const { title, hint } = kinds[kind as SegmentKind]
      return { key: kind, words: title, hint, ms }
    }),
  ].filter(({ ms }) => ms > 0)
}

/** As many as are worth words; the bar has all. */
const wordsMax = 5

function Parts({ parts, wallMs }: { readonly parts: readonly Part[]; readonly wallMs: number }) {
  const style = ({ colour }: Part) => (colour === undefined ? {} : { backgroundColor: colour })
  return (
    <div class="parts">
      <div class="use-bar">
        {parts.map((part) => (
          <i
            key={part.key}
            class={`part ${part.colour === undefined ? part.key : ''}`}
            style={{ flexGrow: part.ms / wallMs, ...style(part) }}
            title={`${part.words} ${formatMs(part.ms)}: ${part.hint}`}
          />
        ))}
      </div>
      <ul>
        {parts
          .filter(({ ms }) => ms / wallMs >= 0.005)
          .toSorted((a, b) => b.ms - a.ms)
          .slice(0, wordsMax)
          .map((part) => (
            <li key={part.key} title={part.hint}>
              <i class={`part ${part.colour === undefined ? part.key : ''}`} style={style(part)} /> {part.words}{' '}
              <b>{formatShare(part.ms / wallMs)}</b>
            </li>
          ))}
      </ul>
    </div>
  )
}
