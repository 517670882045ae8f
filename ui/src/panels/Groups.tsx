/** Progress by group and state; a click looks at one group only. */
import type { GroupRow } from '../../../src/dashboard/page.ts'
import { formatCount, formatMs } from '../look/format.ts'
import { StateBar } from '../parts/States.tsx'
import { Swatch } from '../parts/Swatch.tsx'
import { Table, type Column } from '../parts/Table.tsx'
import { useModel } from '../state/context.ts'
import { openTask } from '../state/walk.ts'

export function Groups() {
  const model = useModel()
  const groups = (model.overview.value.value?.groups ?? [])
    .filter(({ total }) => total > 0)
    .toSorted((a, b) => Number(b.counts.failed > 0) - Number(a.counts.failed > 0) || b.totalMs - a.totalMs)
  const ms = (key: 'totalMs' | 'medianMs' | 'p95Ms' | 'maxMs', title: string, hint: string): Column<GroupRow> => ({
    key,
    title,
    width: '78px',
    right: true,
    hint,
    cell: (row) => formatMs(row[key]),
  })
  const columns: Column<GroupRow>[] = [
    {
      key: 'label',
      title: 'group',
      width: 'minmax(140px, 2fr)',
      cell: ({ number, label }) => (
        <>
          <Swatch group={number} />
          <span title={label}>{label}</span>
        </>
      ),
    },
    { key: 'kind', title: 'kind', width: '84px', cell: ({ kind }) => <span class="muted">{kind}</span> },
    {
      key: 'states',
      title: 'progress',
      width: 'minmax(90px, 1.4fr)',
      cell: ({ counts, number }) => <StateBar counts={counts} colour={model.colour(number)} />,
    },
    {
      key: 'done',
      title: 'done',
      width: '116px',
      right: true,
      cell: ({ counts, total }) => `${formatCount(counts.done)} / ${formatCount(total)}`,
    },
    {
      key: 'failed',
      title: 'failed',
      width: '64px',
      right: true,
      cell: ({ counts, firstFailure }) =>
        counts.failed > 0 ? (
          <button
            type="button"
            class="bad"
            title="Open the first failure"
            onClick={(event) => {
              event.stopPropagation()
              void openTask(model, firstFailure)
            }}
          >
            {formatCount(counts.failed)}
          </button>
        ) : (
          <span class="muted">0</span>
        ),
    },
    ms('totalMs', 'total', 'Sum of the times from start to end'),
    ms('medianMs', 'median', 'Half of the tasks took no longer'),
    ms('p95Ms', 'p95', '95 % of the tasks took no longer'),
    ms('maxMs', 'longest', 'The longest task'),
    {
      key: 'attempts',
      title: 'tries',
      width: '60px',
      right: true,
      hint: 'Attempts per task',
      cell: ({ attempts, total }) =>
        total > 0 && attempts > total ? `${(attempts / total).toFixed(2)}` : <span class="muted">1</span>,
    },
  ]
  return (
    <Table
      label="groups"
      columns={columns}
      total={groups.length}
      row={(i) => groups[i]}
      picked={({ number }) => number === model.group.value}
      onPick={({ number }) => (model.group.value = model.group.value === number ? undefined : number)}
      empty="No group has a task here."
    />
  )
}
