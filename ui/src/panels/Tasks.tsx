/** Every task that matches: searched, filtered and sorted where the trace lies; this page has only the rows in view. */
import { useSignal, useSignalEffect } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type { TaskOrder, TaskQuery, TaskRow } from '../../../src/dashboard/page.ts'
import { countOf, formatCount, formatMs } from '../look/format.ts'
import { Icon } from '../parts/Icon.tsx'
import { Swatch } from '../parts/Swatch.tsx'
import { Table, type Column } from '../parts/Table.tsx'
import { useModel } from '../state/context.ts'
import { whenQuiet } from '../state/quiet.ts'
import { openTask } from '../state/walk.ts'

const pageRows = 200
const columns: readonly (Column<TaskRow> & { readonly order?: TaskOrder })[] = [
  {
    key: 'label',
    title: 'task',
    width: 'minmax(140px, 1.4fr)',
    sort: true,
    cell: ({ label, group, state }) => (
      <>
        <Swatch group={group} failed={state === 'failed'} />
        <span title={label}>{label}</span>
      </>
    ),
  },
  {
    key: 'state',
    title: 'state',
    width: '76px',
    cell: ({ state }) => <span class={state === 'failed' ? 'bad' : 'muted'}>{state}</span>,
  },
  {
    key: 'start',
    title: 'start',
    width: '84px',
    right: true,
    sort: true,
    cell: ({ startedAt }) => (startedAt < 0 ? '–' : formatMs(startedAt)),
  },
  {
    key: 'wait',
    title: 'waited',
    width: '84px',
    right: true,
    sort: true,
    hint: 'From known to started',
    cell: ({ waitMs }) => formatMs(waitMs),
  },
  {
    key: 'duration',
    title: 'took',
    width: '84px',
    right: true,
    sort: true,
    cell: ({ durationMs, startedAt }) => (startedAt < 0 ? '–' : formatMs(durationMs)),
  },
  { key: 'attempts', title: 'tries', width: '60px', right: true, sort: true, cell: ({ attempts }) => formatCount(attempts) },
  { key: 'on', title: 'on', width: '92px', cell: ({ executor }) => (executor === 0 ? 'this thread' : `worker ${executor}`) },
  {
    key: 'error',
    title: 'error',
    width: 'minmax(0, 1fr)',
    cell: ({ error }) =>
      error !== undefined && (
        <span class="bad" title={error}>
          {error}
        </span>
      ),
  },
]

export function Tasks() {
  const model = useModel()
  const sorted = useSignal<{ key: string; descending: boolean }>({ key: 'start', descending: false })
  const again = useSignal(0)
  const shown = useSignal({ first: 0, count: 50 })
  const total = useSignal<number | undefined>(undefined)
  const pages = useSignal<ReadonlyMap<number, readonly TaskRow[]>>(new Map())
  const asked = useRef<{ key: string; version: number; under: Set<number>; have: Map<number, number> }>({
    key: '',
    version: -1,
    under: new Set(),
    have: new Map(),
  })
  const unwatch = useRef<() => void>(() => undefined)
  useEffect(() => () => unwatch.current(), [])

  useSignalEffect(() => {
    const version = model.version.value
    void again.value
    if (version < 0) return
    const query: TaskQuery = {
      ...(model.range.value && { range: model.range.value }),
      ...(model.group.value !== undefined && { group: model.group.value }),
      ...(model.onlyFailed.value && { state: 'failed' as const }),
      ...(model.search.value !== '' && { search: model.search.value }),
      order: sorted.value.key as TaskOrder,
      descending: sorted.value.descending,
      limit: pageRows,
    }
    const key = JSON.stringify(query)
    const state = asked.current
    if (state.key !== key) {
      asked.current = { key, version, under: new Set(), have: new Map() }
      total.value = undefined
      pages.value = new Map()
    }
    const { under, have } = asked.current
    const { first, count } = shown.value
    for (let page = Math.floor(first / pageRows); page * pageRows < first + Math.max(1, count); page++) {
      if (under.has(page) || (have.get(page) ?? -1) >= version) continue
      under.add(page)
      void fetchPage(page, query, key, version)
    }
  })

  const fetchPage = async (page: number, query: TaskQuery, key: string, version: number): Promise<void> => {
    try {
      const found = await model.source.tasks({ ...query, offset: page * pageRows })
      const state = asked.current
      if (state.key !== key) return
      state.have.set(page, found.version)
      // While the program runs, an answer may be older than what was asked for.
      unwatch.current()
      if (found.version < version) unwatch.current = whenQuiet(() => again.value++)
      pages.value = new Map(pages.peek()).set(page, found.rows)
      total.value = found.total
    } catch {
      if (asked.current.key === key) asked.current.have.set(page, version)
    } finally {
      if (asked.current.key === key) asked.current.under.delete(page)
    }
  }

  return (
    <div class="tasks">
      <div class="tools">
        <label class="search">
          <Icon name="search" />
          <input
            id="search"
            type="search"
            placeholder="Search names and errors"
            value={model.search.value}
            onInput={(event) => (model.search.value = event.currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key === 'Escape') {
                if (model.search.value === '') event.currentTarget.blur()
                model.search.value = ''
                event.stopPropagation()
              }
            }}
          />
        </label>
        <label class="check">
          <input
            type="checkbox"
            checked={model.onlyFailed.value}
            onChange={(event) => (model.onlyFailed.value = event.currentTarget.checked)}
          />
          only failed
        </label>
        <span class="muted right" role="status">
          {total.value === undefined ? 'searching …' : countOf(total.value, 'task')}
        </span>
      </div>
      <Table
        label="tasks"
        columns={columns}
        total={total.value ?? 0}
        row={(i) => pages.value.get(Math.floor(i / pageRows))?.[i % pageRows]}
        onShow={(first, count) => {
          if (first !== shown.peek().first || count !== shown.peek().count) shown.value = { first, count }
        }}
        sorted={sorted.value}
        onSort={(key) =>
          (sorted.value = {
            key,
            descending: sorted.value.key === key ? !sorted.value.descending : key !== 'label' && key !== 'start',
          })
        }
        picked={({ id }) => id === model.task.value}
        onPick={({ id }) => void openTask(model, id)}
        empty={total.value === undefined ? 'Searching …' : 'No task matches.'}
      />
    </div>
  )
}
