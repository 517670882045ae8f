/** What the pointer is on, beside it. */
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { taskStates, type TaskDetail } from '../../../src/dashboard/page.ts'
import { countOf, formatMs, formatShare } from '../look/format.ts'
import type { Size } from '../parts/size.ts'
import { Swatch } from '../parts/Swatch.tsx'
import { useModel } from '../state/context.ts'
import { moment } from '../time/scale.ts'
import type { Hit } from './hit.ts'

export interface Pointed {
  readonly x: number
  readonly y: number
  /** The time under the pointer. */
  readonly at: number
  /** How long a stretch is in view: the precision of times follows it. */
  readonly lengthMs: number
  readonly hit: Hit
}

/** The pointer must rest so long before the server is asked for a task's name. */
const restMs = 60

export function Tooltip({ pointed, area }: { readonly pointed: Pointed; readonly area: Size }) {
  const { x, y, at, lengthMs, hit } = pointed
  const right = x > area.width - 300
  const style = {
    ...(right ? { right: `${area.width - x + 14}px` } : { left: `${x + 14}px` }),
    ...(y > area.height / 2 ? { bottom: `${area.height - y + 10}px` } : { top: `${y + 14}px` }),
  }
  return (
    <div class="tooltip" style={style} aria-hidden="true">
      {hit.kind === 'task' ? <OfTask hit={hit} /> : hit.kind === 'coverage' ? <OfCoverage hit={hit} /> : <OfIdle hit={hit} />}
      <p class="muted">at {moment(at, lengthMs)}</p>
    </div>
  )
}

function OfTask({ hit }: { readonly hit: Hit & { kind: 'task' } }) {
  const model = useModel()
  const { slices, label } = hit.lane
  const id = slices?.task[hit.slice]
  const detail = useSignal<TaskDetail | undefined>(undefined)
  useEffect(() => {
    let wanted = true
    const timer = setTimeout(() => {
      if (id === undefined) return
      model.source.task({ id }).then(
        (found) => {
          if (wanted) detail.value = found
        },
        () => undefined,
      )
    }, restMs)
    return () => {
      wanted = false
      clearTimeout(timer)
    }
  }, [id])
  if (!slices) return null
  const at = (times: Float64Array): number => times[hit.slice] as number
  const group = slices.group[hit.slice] as number
  const state = taskStates[slices.state[hit.slice] as number] ?? 'queued'
  const known = detail.value?.id === id ? detail.value : undefined
  const needs = at(slices.ready) - at(slices.queued)
  const slot = at(slices.started) - at(slices.ready)
  return (
    <>
      <h4>
        <Swatch group={group} failed={state === 'failed'} /> {known?.label ?? hit.name ?? model.label(group)}
      </h4>
      <dl>
        <dt>{state === 'running' ? 'running for' : 'ran'}</dt>
        <dd>{formatMs(at(slices.settled) - at(slices.started))}</dd>
        {needs > 0.0005 && <dt>waited for needs</dt>}
        {needs > 0.0005 && <dd>{formatMs(needs)}</dd>}
        {slot > 0.0005 && <dt>waited to start</dt>}
        {slot > 0.0005 && <dd>{formatMs(slot)}</dd>}
        <dt>on</dt>
        <dd>{label}</dd>
      </dl>
      {state === 'failed' && <p class="bad">✕ {known?.error ?? 'failed'}</p>}
      {state === 'cancelled' && <p class="muted">cancelled</p>}
      {slices.critical[hit.slice] === 1 && <p>on the critical path</p>}
    </>
  )
}

function OfCoverage({ hit }: { readonly hit: Hit & { kind: 'coverage' } }) {
  const model = useModel()
  const { coverage, label, capacity } = hit.lane
  if (!coverage) return null
  const group = coverage.group[hit.column] as number
  const share = (coverage.share[hit.column] as number) / 255
  const failed = (coverage.failed[hit.column] as number) / 255
  return (
    <>
      <h4>
        <Swatch group={group} /> mostly {model.label(group)}
      </h4>
      <dl>
        <dt>busy</dt>
        <dd>
          {capacity > 1 ? `${(share * capacity).toFixed(1)} of ${countOf(capacity, 'task')}` : formatShare(share)} in{' '}
          {formatMs(hit.columnMs)}
        </dd>
        <dt>on</dt>
        <dd>{label}</dd>
      </dl>
      {failed > 0 && <p class="bad">✕ failed tasks: {formatShare(failed)} of it</p>}
      <p class="muted">zoom in to see single tasks</p>
    </>
  )
}

function OfIdle({ hit }: { readonly hit: Hit & { kind: 'idle' } }) {
  return <h4 class="muted">{hit.lane.label === '' ? 'no executor' : `${hit.lane.label}: idle`}</h4>
}
