/** The page: the verdict, the timeline, the panels under it, a task beside them. */
import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { Detail } from '../detail/Detail.tsx'
import { Graph } from '../graph/Graph.tsx'
import { formatCount, formatMs } from '../look/format.ts'
import { Failures } from '../panels/Failures.tsx'
import { Fix } from '../panels/Fix.tsx'
import { Groups } from '../panels/Groups.tsx'
import { Series } from '../panels/Series.tsx'
import { Tasks } from '../panels/Tasks.tsx'
import { Time } from '../panels/Time.tsx'
import { ModelContext, useModel } from '../state/context.ts'
import { kept } from '../state/kept.ts'
import { type Model, type Tab, tabs } from '../state/model.ts'
import { Timeline } from '../timeline/Timeline.tsx'
import { Header } from './Header.tsx'
import { Help } from './Help.tsx'
import { listenToKeys } from './keys.ts'
import { saveError } from './save.ts'
import { Verdict } from './Verdict.tsx'

const titles: Readonly<Record<Tab, string>> = {
  fix: 'What to fix',
  failures: 'Failures',
  groups: 'Groups',
  time: 'Where time went',
  graph: 'Graph',
  series: 'Series',
  tasks: 'Tasks',
}

const panels = { fix: Fix, failures: Failures, groups: Groups, time: Time, graph: Graph, series: Series, tasks: Tasks } as const

export function App({ model }: { readonly model: Model }) {
  const help = useSignal(false)
  const split = useSignal(Number(kept('heddle-split') ?? 0) || 0.47)
  const search = (): void => {
    model.tab.value = 'tasks'
    requestAnimationFrame(() => document.getElementById('search')?.focus())
  }
  useEffect(() => listenToKeys(model, { search, help: () => (help.value = true) }), [model])
  const Panel = panels[model.tab.value]
  const problem = model.overview.error.value ?? model.explanation.error.value
  return (
    <ModelContext.Provider value={model}>
      <div class="page" style={{ '--split': split.value }}>
        <Header onHelp={() => (help.value = true)} onSearch={search} />
        <Verdict />
        <Timeline />
        <Splitter share={split.value} onMove={(share) => kept('heddle-split', (split.value = share).toFixed(3))} />
        <div class={`below${model.task.value === undefined ? '' : ' with-detail'}`}>
          <main>
            <Tabs />
            <div class="panel" role="tabpanel" aria-labelledby={`tab-${model.tab.value}`}>
              <Panel />
            </div>
          </main>
          {model.task.value !== undefined && <Detail />}
        </div>
        {(saveError.value ?? (model.link.value.state === 'on' ? problem?.message : undefined)) && (
          <p class="toast" role="alert">
            {saveError.value ?? problem?.message}
          </p>
        )}
        {help.value && <Help onClose={() => (help.value = false)} />}
      </div>
    </ModelContext.Provider>
  )
}

/** Panels that show the explanation, which may be of an earlier moment than the rest. */
const explaining: ReadonlySet<Tab> = new Set(['fix', 'time'])

function Tabs() {
  const model = useModel()
  const failed = model.overview.value.value?.counts.failed ?? 0
  const until = explaining.has(model.tab.value) ? model.explainedUntil.value : undefined
  const keys = (event: KeyboardEvent): void => {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0
    if (step === 0) return
    const next = tabs[(tabs.indexOf(model.tab.value) + step + tabs.length) % tabs.length] as Tab
    model.tab.value = next
    document.getElementById(`tab-${next}`)?.focus()
    event.preventDefault()
  }
  return (
    <div class="tabs" role="tablist" onKeyDown={keys}>
      {tabs.map((tab, i) => (
        <button
          key={tab}
          id={`tab-${tab}`}
          type="button"
          role="tab"
          aria-selected={model.tab.value === tab}
          tabIndex={model.tab.value === tab ? 0 : -1}
          title={`${titles[tab]} (${i + 1})`}
          class={tab === 'failures' && failed > 0 ? 'bad' : ''}
          onClick={() => (model.tab.value = tab)}
        >
          {titles[tab]}
          {tab === 'failures' && failed > 0 && <b>{formatCount(failed)}</b>}
        </button>
      ))}
      {until !== undefined && <span class="until">at {formatMs(until)}</span>}
    </div>
  )
}

/** Between timeline and panels: dragged, or moved with the arrow keys. */
function Splitter({ share, onMove }: { readonly share: number; readonly onMove: (share: number) => void }) {
  const bar = useRef<HTMLDivElement>(null)
  const clamp = (value: number): number => Math.min(0.8, Math.max(0.2, value))
  const drag = (event: PointerEvent): void => {
    const page = bar.current?.parentElement
    const above = page?.querySelector('.timeline')?.getBoundingClientRect().top ?? 0
    if (event.buttons === 0 || !page) return
    onMove(clamp((event.clientY - above) / (page.clientHeight - above)))
  }
  return (
    <div
      ref={bar}
      class="splitter"
      role="separator"
      aria-orientation="horizontal"
      aria-label="Height of the timeline"
      aria-valuenow={Math.round(share * 100)}
      tabIndex={0}
      onPointerDown={(event) => bar.current?.setPointerCapture(event.pointerId)}
      onPointerMove={drag}
      onKeyDown={(event) => {
        const by = event.key === 'ArrowUp' ? -0.03 : event.key === 'ArrowDown' ? 0.03 : 0
        if (by === 0) return
        onMove(clamp(share + by))
        event.preventDefault()
      }}
    />
  )
}
