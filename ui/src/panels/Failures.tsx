/** What failed, the same failures together, in order of first appearance. */
import type { FailureRow } from '../../../src/dashboard/page.ts'
import { formatCount } from '../look/format.ts'
import { Swatch } from '../parts/Swatch.tsx'
import { Table, type Column } from '../parts/Table.tsx'
import { useModel } from '../state/context.ts'
import { openTask } from '../state/walk.ts'

export function Failures() {
  const model = useModel()
  const overview = model.overview.value.value
  const failures = overview?.failures ?? []
  const columns: Column<FailureRow>[] = [
    {
      key: 'tasks',
      title: 'tasks',
      width: '64px',
      right: true,
      cell: ({ tasks }) => <span class="bad">{formatCount(tasks)}</span>,
    },
    {
      key: 'what',
      title: 'error',
      width: 'minmax(0, 3fr)',
      cell: ({ name, message, code }) => (
        <span title={`${name}: ${message}`}>
          <b>{name}</b> {message} {code !== undefined && <span class="muted">{code}</span>}
        </span>
      ),
    },
    {
      key: 'group',
      title: 'group',
      width: 'minmax(0, 1fr)',
      cell: ({ group }) => (
        <>
          <Swatch group={group} />
          <span>{model.label(group)}</span>
        </>
      ),
    },
    { key: 'first', title: 'first in', width: 'minmax(0, 1fr)', cell: ({ first }) => first.label },
    {
      key: 'all',
      title: '',
      width: '72px',
      right: true,
      cell: ({ name, message }) => (
        <button
          type="button"
          class="plain"
          title="All tasks that failed so"
          onClick={(event) => {
            event.stopPropagation()
            model.onlyFailed.value = true
            model.search.value = (message || name).slice(0, 100)
            model.tab.value = 'tasks'
          }}
        >
          show all
        </button>
      ),
    },
  ]
  return (
    <Table
      label="failures"
      columns={columns}
      total={failures.length}
      row={(i) => failures[i]}
      picked={({ first }) => first.id === model.task.value}
      onPick={({ first }) => void openTask(model, first.id)}
      empty={
        overview && overview.counts.cancelled > 0
          ? `Nothing failed. ${formatCount(overview.counts.cancelled)} cancelled.`
          : 'Nothing failed.'
      }
    />
  )
}
