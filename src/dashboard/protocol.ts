/**
 * What the page may ask and what it gets: the one contract between the page, the server, and the report that opens offline.
 *
 * A {@link ViewSource} answers it. Three exist: the model itself (`model/`), which also runs inside the offline report; the client
 * of the server (`client.ts`), which asks over HTTP; and whatever a test makes. Nothing here needs Node or a browser.
 *
 * Times are milliseconds since the trace began; a time that has not come is −1. Tasks are named by their id, which stays while a
 * trace grows; groups by their number, a place in {@link Overview.groups}' `number`, which stays too. Texts may come from a
 * stranger's trace: they are data, to be shown as text and never as markup.
 *
 * Over HTTP every question is `GET /api/NAME?token=…&q=JSON of the query`; the answer is JSON, but for `window` (the binary form of
 * `window-codec.ts`), `export` (the file itself) and `changes` (server-sent events, each a {@link Tick}).
 *
 * The answers lie in `protocol/`, a file for each question.
 */
import type { Counts, RangeQuery } from './protocol/basics.ts'
import type { ExplanationView } from './protocol/explanation.ts'
import type { ReportFormat } from './protocol/exports.ts'
import type { GraphQuery, GraphView } from './protocol/graph.ts'
import type { Overview } from './protocol/overview.ts'
import type { PathQuery, PathView } from './protocol/path.ts'
import type { SeriesQuery, SeriesView } from './protocol/series.ts'
import type { ServerView } from './protocol/server.ts'
import type { TaskDetail, TaskPage, TaskQuery } from './protocol/tasks.ts'
import type { TimelineWindow, WindowQuery } from './protocol/timeline.ts'

export * from './protocol/basics.ts'
export * from './protocol/server.ts'
export * from './protocol/overview.ts'
export * from './protocol/explanation.ts'
export * from './protocol/timeline.ts'
export * from './protocol/path.ts'
export * from './protocol/series.ts'
export * from './protocol/tasks.ts'
export * from './protocol/graph.ts'
export * from './protocol/exports.ts'

export interface ViewSource {
  /** Which {@link exportFormats} it can give. */
  readonly exports: readonly ReportFormat[]
  /** Quick also for a million tasks; everything that a first view needs beside a window. */
  overview(query: RangeQuery): Promise<Overview>
  /** What bounded the run, who was idle and why, advice. A second or two for a million tasks. */
  explanation(query: RangeQuery): Promise<ExplanationView>
  window(query: WindowQuery): Promise<TimelineWindow>
  path(query: PathQuery): Promise<PathView>
  series(query: SeriesQuery): Promise<SeriesView>
  tasks(query: TaskQuery): Promise<TaskPage>
  /** Rejects when there is not such a task. */
  task(query: { readonly id: number }): Promise<TaskDetail>
  graph(query: GraphQuery): Promise<GraphView>
  export(query: { readonly format: ReportFormat }): Promise<Uint8Array>
  /** How a server of models stands, where it is one that is shown; else undefined, and all other questions have answers. */
  server?(): Promise<ServerView | undefined>
  /**
   * Calls `onTick` at once and then at every change, at most ten times a second. `onLost` says that no more will come though the
   * recording had not ended (the program is gone); a source reconnects by itself as long as that makes sense.
   * @returns ends the subscription
   */
  subscribe(onTick: (tick: Tick) => void, onLost?: (reason: string) => void): () => void
}

/** The questions that have an answer of their own route: `GET /api/NAME`. */
export const questions = ['overview', 'explanation', 'window', 'path', 'series', 'tasks', 'task', 'graph', 'export'] as const
export type Question = (typeof questions)[number]

/** How things stand. */
export interface Tick {
  /** Grows with every change; what was answered at the same version need not be asked again. Counts and time may be newer than it. */
  readonly version: number
  /** Until when the trace reaches. */
  readonly nowMs: number
  /** The recording goes on. */
  readonly live: boolean
  readonly counts: Counts
}
