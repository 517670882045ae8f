/**
 * Which windows of the timeline are asked for: one of everything, which is always there to fall back on, and one of what is looked at,
 * with a margin, so that panning a little needs no answer. Until a sharper one comes, what there is is stretched.
 */
import { computed, signal, type ReadonlySignal } from '@preact/signals'
import type { TimelineWindow, WindowQuery } from '../../../src/dashboard/page.ts'
import { asked, type Asked } from '../state/asked.ts'
import type { Model } from '../state/model.ts'
import { lengthOf, type Span } from '../time/scale.ts'

/** How much more than what is seen is asked for, on each side. */
const margin = 0.5
const columnsMax = 8_192

export interface TimelineData {
  readonly everything: Asked<TimelineWindow>
  readonly near: Asked<TimelineWindow>
  /** The sharpest window that has all lanes: for their names and places. */
  readonly lanes: ReadonlySignal<TimelineWindow['lanes']>
  stop(): void
}

export function timelineData(model: Model, devicePixels: ReadonlySignal<number>): TimelineData {
  const rest = (leastMs: number) => (tookMs: number) => (model.live.peek() ? Math.max(leastMs, 2 * tookMs) : 0)
  const everything = asked(
    () => {
      const whole = model.whole.value
      if (model.seen.value < 0 || !(lengthOf(whole) > 0) || devicePixels.value <= 0) return undefined
      return {
        version: model.seen.value,
        marked: model.marked.value,
        query: { ...whole, columns: Math.min(columnsMax, devicePixels.value) },
      }
    },
    ({ query }) => model.source.window(query),
    rest(100),
  )
  const wanted = signal<WindowQuery | undefined>(undefined)
  const near = asked(
    () => {
      const whole = model.whole.value
      const view = model.view.value
      const group = model.group.value
      const pixels = devicePixels.value
      const version = model.seen.value
      if (version < 0 || pixels <= 0 || !(lengthOf(whole) > 0)) return undefined
      if (model.zoomed.value === undefined && group === undefined) return undefined
      const last = wanted.peek()
      // A question that still answers what is seen is asked again only when something changed.
      const query =
        last && last.group === group && serves(last, view, pixels, whole) ? last : windowAround(view, whole, pixels, group)
      wanted.value = query
      return { version, marked: model.marked.value, query }
    },
    memo(({ query }) => model.source.window(query)),
    rest(100),
  )
  const lanes = computed(() => {
    const [all, some] = [everything.value.value?.lanes ?? [], near.value.value?.lanes ?? []]
    return workersFirst(some.length > all.length ? some : all)
  })
  return {
    everything,
    near,
    lanes,
    stop() {
      everything.stop()
      near.stop()
    },
  }
}

/** Workers above, then this thread: it may have dozens of lines, and is mostly waiting for the workers. */
function workersFirst(lanes: TimelineWindow['lanes']): TimelineWindow['lanes'] {
  return [...lanes.filter(({ executor }) => executor !== 0), ...lanes.filter(({ executor }) => executor === 0)]
}

/** Whether a window reaches as far as the view does, and is about as sharp as the screen. */
function serves(query: WindowQuery, view: Span, pixels: number, whole: Span): boolean {
  const reaches = query.from <= Math.max(view.from, whole.from) && query.to >= Math.min(view.to, whole.to)
  const sharpness = query.columns / lengthOf(query) / (pixels / lengthOf(view))
  return reaches && sharpness > 0.66 && sharpness < 2.2
}

function windowAround(view: Span, whole: Span, pixels: number, group: number | undefined): WindowQuery {
  const by = lengthOf(view) * margin
  const [from, to] = [Math.max(whole.from, view.from - by), Math.min(whole.to, view.to + by)]
  const columns = Math.min(columnsMax, Math.max(1, Math.ceil((pixels * (to - from)) / lengthOf(view))))
  return { from, to, columns, ...(group !== undefined && { group }) }
}

interface Question {
  readonly query: WindowQuery
  readonly version: number
  readonly marked: number
}

/** The same question at the same version has the same answer: not asked twice in a row. */
function memo(ask: (question: Question) => Promise<TimelineWindow>): typeof ask {
  let last: (Question & { readonly answer: TimelineWindow }) | undefined
  return async (question) => {
    const { query, version, marked } = question
    if (last && last.query === query && last.answer.version >= version && last.marked === marked) return last.answer
    const answer = await ask(question)
    last = { ...question, answer }
    return answer
  }
}
