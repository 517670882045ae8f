/**
 * What the page knows and shows: one object per source, whose signals all views read. Whatever filters (a stretch of time, a group) is here once,
 * so that every view follows it.
 */
import { batch, computed, effect, signal, type ReadonlySignal, type Signal } from '@preact/signals'
import type { ExplanationView, Overview, PathView, Range, TaskDetail, Tick, ViewSource } from '../../../src/dashboard/page.ts'
import { formatCount, formatShare, speedupWords } from '../look/format.ts'
import { colourPlaces, familiesOf, type Family } from '../look/families.ts'
import { palettes } from '../look/palette.ts'
import { totalOf } from '../parts/States.tsx'
import { around, lengthOf, pan, within, zoom, type Span } from '../time/scale.ts'
import { asked, type Asked } from './asked.ts'
import { heard } from './quiet.ts'
import { theme } from './theme.ts'

export const tabs = ['fix', 'failures', 'groups', 'time', 'graph', 'series', 'tasks'] as const
export type Tab = (typeof tabs)[number]

/** How the connection to what is shown stands. */
export type Link = { readonly state: 'connecting' | 'on' } | { readonly state: 'lost'; readonly reason: string }

export class Model {
  readonly source: ViewSource
  readonly link: Signal<Link> = signal({ state: 'connecting' })
  readonly tick: Signal<Tick | undefined> = signal(undefined)

  /** The stretch of time that every panel is about; undefined: all of it. */
  readonly range: Signal<Range | undefined> = signal(undefined)
  /** A stretch that is being drawn with the pointer, not yet chosen. */
  readonly drafted: Signal<Range | undefined> = signal(undefined)
  /** The group that is looked at; undefined: all. */
  readonly group: Signal<number | undefined> = signal(undefined)
  /** Id of the task whose details are open. */
  readonly task: Signal<number | undefined> = signal(undefined)
  readonly tab: Signal<Tab> = signal('fix')
  readonly search: Signal<string> = signal('')
  readonly onlyFailed: Signal<boolean> = signal(false)
  /** The timeline has shown something. */
  readonly drawn: Signal<boolean> = signal(false)
  /** What the timeline shows; undefined: all of it, also while it grows. */
  readonly zoomed: Signal<Span | undefined> = signal(undefined)

  /** Which failure, and which step of the path, was gone to last (walk.ts). */
  failurePlace: number | undefined
  pathPlace: number | undefined

  readonly overview: Asked<Overview>
  readonly explanation: Asked<ExplanationView>
  readonly path: Asked<PathView>
  readonly detail: Asked<TaskDetail>

  readonly version: ReadonlySignal<number> = computed(() => this.tick.value?.version ?? -1)
  /** Of which version of the finished recording the critical path is known: windows and graphs mark it from then on, and are asked again. */
  readonly marked: ReadonlySignal<number> = computed(() => (this.live.value ? -1 : (this.path.value.value?.version ?? -1)))
  readonly live: ReadonlySignal<boolean> = computed(() => this.tick.value?.live ?? false)
  /** Until when the explanation reaches, where the rest of the page is further: while the program needs every core, explanations come less often. */
  readonly explainedUntil: ReadonlySignal<number | undefined> = computed(() => {
    const found = this.explanation.value.value
    if (!found || !this.live.value || this.range.value) return undefined
    const end = this.overview.value.value?.head.wall.to ?? 0
    return end - found.range.to > behindMs ? found.range.to : undefined
  })
  /** Everything that there is to see. */
  readonly whole: ReadonlySignal<Span>
  readonly view: ReadonlySignal<Span>
  /** Groups that share a colour, most time first. */
  readonly families: ReadonlySignal<readonly Family[]>
  /** Place among the colours, by group number. */
  readonly places: ReadonlySignal<Uint8Array>

  /** @param first the overview of everything, which says from when to when there is something to see */
  constructor(source: ViewSource, first: Overview) {
    this.source = source
    const { version, counts, head } = first
    this.tick.value = { version, counts, nowMs: head.nowMs, live: head.live }
    const ranged = (): { range: Range | undefined; version: number } | undefined => {
      const version = this.version.value
      return version < 0 ? undefined : { range: this.range.value, version }
    }
    /** Explaining may take seconds: it waits until there is something to look at. */
    const explained = (): ReturnType<typeof ranged> => (this.drawn.value ? ranged() : undefined)
    const query = ({ range }: { range: Range | undefined }): { range?: Range } => (range ? { range } : {})
    this.overview = asked(ranged, (q) => source.overview(query(q)), this.#rest(150, 2), first)
    this.explanation = asked(explained, (q) => source.explanation(query(q)), this.#rest(800, 4))
    this.path = asked(explained, (q) => source.path({ ...query(q), limit: pathLimit }), this.#rest(800, 4))
    this.detail = asked(
      () => (this.task.value === undefined ? undefined : { id: this.task.value, version: this.version.value }),
      ({ id }) => source.task({ id }),
      this.#rest(300, 2),
    )
    this.whole = computed(() => {
      const head = this.#head.value
      // Not until now, but until where answers reach: while the program runs they are some time behind, so as not to slow it.
      const now = head?.nowMs ?? this.tick.value?.nowMs ?? 0
      // Where nothing ran there is not a wall time, and yet something to look at.
      if (!head || head.wall.to <= head.wall.from) return { from: 0, to: Math.max(now, 1) }
      return { from: Math.min(head.wall.from, now), to: this.live.value ? now : head.wall.to }
    })
    this.view = computed(() => (this.zoomed.value ? within(this.zoomed.value, this.whole.value) : this.whole.value))
    this.families = computed(() => {
      const families = familiesOf(this.#all.value?.groups ?? [])
      const key = JSON.stringify(families.map(({ name, groups }) => [name, groups]))
      // The same list as long as nothing changed: pictures are painted again when it does.
      if (key !== this.#familiesKey) [this.#familiesKey, this.#families] = [key, families]
      return this.#families
    })
    this.places = computed(() => colourPlaces(this.families.value, palettes[theme.value].groups.length))
    effect(() => {
      const overview = this.overview.value.value
      if (!overview) return
      batch(() => {
        this.#head.value = overview.head
        this.#seen.value = overview.version
      })
      // Failures come first, unless somebody has already gone elsewhere.
      if (this.#all.peek() === undefined && overview.counts.failed > 0 && this.tab.peek() === 'fix') this.tab.value = 'failures'
      if (this.range.peek() === undefined) this.#all.value = overview
    })
    source.subscribe(
      (tick) => {
        batch(() => {
          heard()
          this.tick.value = tick
          if (this.link.peek().state !== 'on') this.link.value = { state: 'on' }
        })
      },
      (reason) => (this.link.value = { state: 'lost', reason }),
    )
  }

  /** The overview of everything, whatever range is selected: colours and labels must not change with the selection. */
  readonly #all: Signal<Overview | undefined> = signal(undefined)
  readonly #head: Signal<Overview['head'] | undefined> = signal(undefined)
  readonly #seen: Signal<number> = signal(-1)
  #families: readonly Family[] = []
  #familiesKey = ''

  get all(): ReadonlySignal<Overview | undefined> {
    return this.#all
  }

  get head(): ReadonlySignal<Overview['head'] | undefined> {
    return this.#head
  }

  /**
   * Of which state the newest overview is. What reaches over the whole time is asked about this state: at every tick it would be asked twice, for
   * the whole time grows when the overview comes.
   */
  get seen(): ReadonlySignal<number> {
    return this.#seen
  }

  label(group: number): string {
    return this.#labels.value.get(group) ?? ''
  }

  readonly #labels = computed(() => new Map(this.#all.value?.groups.map(({ number, label }) => [number, label])))

  /** The colour of a group under the theme of now. */
  colour(group: number): string {
    const { groups, rest } = palettes[theme.value]
    return groups[this.places.value[group] ?? groups.length] ?? rest
  }

  /** The title of the browser's tab says how it goes; to the second where it is all that is seen, for a browser takes long to show another one. */
  watchTitle(): void {
    const hidden = signal(document.hidden)
    document.addEventListener('visibilitychange', () => (hidden.value = document.hidden))
    effect(() => {
      const head = this.#head.value
      const found = this.explanation.value.value
      const counts = (hidden.value ? this.tick : this.#all).value?.counts
      if (!head || !counts) return
      const failed = counts.failed > 0 ? `${formatCount(counts.failed)} failed · ` : ''
      const total = totalOf(counts)
      const state = head.live
        ? formatShare(total > 0 ? (counts.done + counts.failed) / total : 0)
        : found
          ? speedupWords(found)
          : ''
      document.title = `${failed}${state === '' ? '' : `${state} · `}${head.name} · heddle`
    })
  }

  zoomBy(factor: number, at: number): void {
    this.lookAt(zoom(this.view.peek(), this.whole.peek(), at, factor))
  }

  panBy(ms: number): void {
    this.lookAt(pan(this.view.peek(), this.whole.peek(), ms))
  }

  lookAt(span: Span): void {
    const whole = this.whole.peek()
    const next = within(span, whole)
    // All of it means: follow what is still to come.
    this.zoomed.value = lengthOf(next) >= lengthOf(whole) * 0.999_999 ? undefined : next
  }

  /** The timeline to a stretch, with some air. */
  focus(span: Span): void {
    this.lookAt(around(span, this.whole.peek(), 0.15))
  }

  /** While a recording grows, questions rest between answers: the page must not slow the program that it watches. */
  #rest(leastMs: number, times: number): (tookMs: number) => number {
    return (tookMs) => (this.live.peek() ? Math.max(leastMs, times * tookMs) : 0)
  }
}

/** From here on the page says what it shows is of an earlier moment. */
export const behindMs = 1_500
/** How many segments of the critical path are asked for. */
export const pathLimit = 500
