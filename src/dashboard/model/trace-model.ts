/** One state of a trace, and the answers to all questions about it. Nothing is computed before it is asked for, and nothing twice. */
import type { Trace } from '../../trace/model/trace.ts'
import type {
  CodeFrame,
  ExplanationView,
  GraphView,
  Overview,
  PathView,
  Range,
  SeriesView,
  TaskDetail,
  TaskPage,
  TimelineWindow,
} from '../protocol.ts'
import { explanationOf, pathOf } from './explanation.ts'
import { graphOf } from './graph.ts'
import type { GroupNumbers } from './group-numbers.ts'
import { overviewOf } from './overview.ts'
import { BadQuery, type Queries } from './query.ts'
import { pointsDefault, seriesOf } from './series.ts'
import { Dependents, detailOf } from './task-detail.ts'
import { listKey, listTasks, pageOf, type TaskList } from './task-list.ts'
import { layOut, type Timeline } from './timeline.ts'
import { View } from './view.ts'
import { windowOf } from './window.ts'
import { traceWithin } from './time-range.ts'

/** Selections that are remembered: a person goes back and forth between a few. */
const rangesKept = 4

export interface ModelOptions {
  readonly version: number
  readonly live: boolean
  readonly groups: GroupNumbers
  /** Finds the place in the source that a stack names. */
  readonly frameOf?: ((stack: string) => CodeFrame | undefined) | undefined
}

export class TraceModel {
  readonly trace: Trace
  /** Of the answers; grows when they become richer. */
  version: number
  readonly #options: ModelOptions
  readonly #whole: View
  readonly #ranges = new Map<string, View>()
  #timeline: Timeline | undefined
  #dependents: Dependents | undefined
  #list: TaskList | undefined

  constructor(trace: Trace, options: ModelOptions) {
    this.trace = trace
    this.version = options.version
    this.#options = options
    this.#whole = new View(trace, options.groups)
  }

  overview({ range }: Queries['overview']): Overview {
    return overviewOf(this.#view(range), { version: this.version, live: this.#options.live, whole: this.#whole })
  }

  explanation({ range }: Queries['explanation']): ExplanationView {
    return explanationOf(this.#view(range), this.version)
  }

  window(query: Queries['window']): TimelineWindow {
    return windowOf(this.#whole, this.#lines(), query, this.version)
  }

  path(query: Queries['path']): PathView {
    return pathOf(this.#view(query.range), this.#whole, this.#lines(), query, this.version)
  }

  series({ range, points = pointsDefault }: Queries['series']): SeriesView {
    return seriesOf(this.#whole, range ?? this.#whole.wall, points, this.version)
  }

  tasks(query: Queries['tasks']): TaskPage {
    if (this.#list?.key !== listKey(query)) this.#list = listTasks(this.#whole, query)
    return pageOf(this.#whole, this.#list, query, this.version)
  }

  /** @throws {BadQuery} when there is not such a task */
  task({ id }: Queries['task']): TaskDetail {
    const task = this.#whole.rowOf(id)
    if (task < 0) throw new BadQuery(`The trace has no task ${id}`)
    this.#dependents ??= new Dependents(this.#whole.related)
    const { frameOf } = this.#options
    return detailOf(this.#whole, task, {
      timeline: this.#lines(),
      dependents: this.#dependents,
      version: this.version,
      frameOf,
    })
  }

  graph(query: Queries['graph']): GraphView {
    return graphOf(this.#view(query.range), query, this.version)
  }

  /** Whether the critical path is known, which windows and graphs mark. */
  get explained(): boolean {
    return this.#whole.explained
  }

  #lines(): Timeline {
    this.#timeline ??= layOut(this.#whole)
    return this.#timeline
  }

  #view(range: Range | undefined): View {
    if (!range) return this.#whole
    const key = `${range.from} ${range.to}`
    let view = this.#ranges.get(key)
    this.#ranges.delete(key)
    view ??= new View(traceWithin(this.trace, this.#whole.times, range), this.#options.groups, this.#clipped(range))
    this.#ranges.set(key, view)
    const [oldest] = this.#ranges.keys()
    if (this.#ranges.size > rangesKept && oldest !== undefined) this.#ranges.delete(oldest)
    return view
  }

  /** Only what lies in the wall time can be explained. */
  #clipped({ from, to }: Range): Range {
    const { wall } = this.#whole
    const begin = Math.min(Math.max(from, wall.from), wall.to)
    return { from: begin, to: Math.max(begin, Math.min(to, wall.to)) }
  }
}
