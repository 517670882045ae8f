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
 * Long because it is whole: types with their meaning and next to no code, which both sides read as one text.
 */
import type { ServerSnapshot } from '../serve/http/watch/snapshot.ts'
import { exportFormats as traceFormats } from '../trace/export/formats.ts'

/** A stretch of time; from ≤ to. */
export interface Range {
  readonly from: number
  readonly to: number
}

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

/** Tasks by state. Of a range: as it stood at its end, of the tasks that the range touches. */
export interface Counts {
  /** Known to come (from the length of a run), not started: waiting for its turn, for what it needs or for a slot. */
  readonly waiting: number
  /** Everything that it needs is there, and it waits for a slot, a worker or a limiter. */
  readonly ready: number
  readonly running: number
  readonly done: number
  readonly failed: number
  readonly cancelled: number
}

/** A task's state; as in `trace/model/trace.ts`, and the numbers in {@link Slices.state} are places in this list. */
export const taskStates = ['queued', 'running', 'done', 'failed', 'cancelled'] as const
export type TaskState = (typeof taskStates)[number]

export interface RangeQuery {
  /** @default everything */
  readonly range?: Range | undefined
}

// --- server ----------------------------------------------------------------------------------------------------

/** A server of models: how it stands, and stood second by second. Numbers without a bound are null in JSON. */
export interface ServerView {
  readonly snapshot: ServerSnapshot
  readonly history: ServerHistoryView
}

/** All lists have the same length; value `i` is of the second that ended at `at[i]`, in milliseconds since the server began. `null`: nothing was answered in it. */
export interface ServerHistoryView {
  readonly at: readonly number[]
  readonly answered: readonly number[]
  readonly refused: readonly number[]
  readonly failed: readonly number[]
  readonly p50: readonly (number | null)[]
  readonly p95: readonly (number | null)[]
  readonly p99: readonly (number | null)[]
  readonly underWay: readonly number[]
  /** Of all models. */
  readonly queueItems: readonly number[]
  readonly queueTokens: readonly number[]
  /** Mean share of the replicas of all models, 0 … 1. */
  readonly busy: readonly number[]
  readonly rssBytes: readonly number[]
}

// --- overview --------------------------------------------------------------------------------------------------

export interface Overview {
  readonly version: number
  readonly head: Head
  readonly counts: Counts
  /** In order of first appearance. */
  readonly groups: readonly GroupRow[]
  /** The same failures together, in order of first appearance, at most 100. */
  readonly failures: readonly FailureRow[]
  /** Things worth saying that are not tasks, in order of time; at most 1,000, the last ones. */
  readonly notes: readonly NoteRow[]
  /** How many notes there are. */
  readonly notesTotal: number
}

export interface Head {
  /** What was recorded: the file that was run. */
  readonly name: string
  /** When the trace began, in milliseconds since 1970. */
  readonly epochMs: number
  /** Until when it reaches. */
  readonly nowMs: number
  /** What wall time means: of a program, from its first run to the end of its last. */
  readonly wall: Range
  readonly live: boolean
  /** False for a recording whose program ended without ending it (a crash), and while it is live. */
  readonly complete: boolean
  /** Processors of the machine. */
  readonly cores: number
  /** Such as `node 20.20.2`. */
  readonly runtime: string
  readonly tasks: number
  readonly runs: number
}

export interface GroupRow {
  /** Stays the same while the trace grows; index of its colour. */
  readonly number: number
  readonly label: string
  /** `map`, `graph`, `scope` …; kind of the runs that its tasks belong to. */
  readonly kind: string
  readonly counts: Counts
  /** All tasks of the group (or of the range), settled or not, and those known to come. */
  readonly total: number
  readonly attempts: number
  /** Sum from start to end. */
  readonly totalMs: number
  readonly medianMs: number
  readonly p95Ms: number
  readonly maxMs: number
  /** Id of its first failure; 0 none. */
  readonly firstFailure: number
}

export interface FailureRow {
  readonly name: string
  readonly message: string
  readonly code?: string | undefined
  readonly tasks: number
  /** The task that failed so first. */
  readonly first: TaskRef
  readonly group: number
}

export interface NoteRow {
  readonly at: number
  /** `worker-start`, `worker-crash`, `inline`, `concurrency` … */
  readonly kind: string
  readonly text: string
}

export interface TaskRef {
  readonly id: number
  readonly label: string
  readonly group: number
  readonly state: TaskState
}

// --- explanation -----------------------------------------------------------------------------------------------

export interface ExplanationView {
  readonly version: number
  /** What it explains: a live source may answer with a slightly older state than it has. */
  readonly range: Range
  /** What bounds the run, in up to three lines for people. */
  readonly verdict: readonly string[]
  readonly wallMs: number
  /** Measured task time that was work. */
  readonly workMs: number
  /** Of it, time on a core. */
  readonly computedMs: number
  /** The longest chain of work that had to be done one after the other. */
  readonly spanMs: number
  /** Work / wall. */
  readonly speedup: number
  /** Whether that is what is true, the least that is, or says nothing. */
  readonly speedupIs: 'measured' | 'at-least' | 'unknown'
  /** Tasks under way on average. */
  readonly atOnce: number
  /** Work / span. */
  readonly parallelism: number
  /** Milliseconds of the critical path by kind; they sum to the wall time. */
  readonly pathMs: Readonly<Record<SegmentKind, number>>
  /** The path's work by group, in order of first appearance. */
  readonly bound: readonly { readonly group: number; readonly label: string; readonly ms: number; readonly tasks: number }[]
  /** Where the time went, per executor. */
  readonly rows: readonly UseRow[]
  readonly idle: {
    readonly of: 'workers' | 'slots'
    readonly rows: number
    /** Of the time of all of them; where slots took turns on this thread, of that. */
    readonly share: number
    readonly tookTurns: boolean
    /** In words, the cause with the most idle time. */
    readonly main: string
  }
  /** The largest saving first. */
  readonly advice: readonly AdviceRow[]
}

export interface UseRow {
  /** 0 this thread, else the number of the worker. */
  readonly executor: number
  readonly label: string
  /** 1 for a worker; on this thread, the most that were at work at once. */
  readonly slots: number
  readonly tasks: number
  readonly runningMs: number
  /** Idle time by cause, causes without time left out. Sums with `runningMs` to wall × slots. */
  readonly idle: readonly { readonly cause: string; readonly words: string; readonly ms: number }[]
}

export interface AdviceRow {
  /** `small-tasks`, `stragglers` … */
  readonly rule: string
  readonly message: string
  readonly proof: readonly string[]
  /** What it should save of the wall time; 0 when that cannot be said. */
  readonly savingMs: number
  /** Code or a command that can be typed. */
  readonly remedy: string
}

// --- timeline --------------------------------------------------------------------------------------------------

export interface WindowQuery {
  readonly from: number
  readonly to: number
  /** Pixels across, 1 … 8,192. */
  readonly columns: number
  /** Only tasks of this group. */
  readonly group?: number | undefined
  /** Keys of the lanes whose content is wanted (those in view); the others come without. @default all */
  readonly lanes?: readonly string[] | undefined
}

export interface TimelineWindow {
  readonly version: number
  readonly from: number
  readonly to: number
  readonly columns: number
  /** From top to bottom: this thread's, then the workers'. */
  readonly lanes: readonly Lane[]
  /** Names by id, of the slices that are called otherwise than their group and are {@link namedFrom} columns wide. */
  readonly names: Readonly<Record<string, string>>
}

/** Columns in which a name is worth drawing. */
export const namedFrom = 24

/**
 * One line of the timeline. An executor has one line, or several where its tasks overlap: promises under way at once on
 * this thread. Beyond {@link linesMax} of them the rest share one last line, which shows how many were at work.
 */
export interface Lane {
  /** Stays the same while the trace grows. */
  readonly key: string
  /** 0 this thread, else the number of the worker. */
  readonly executor: number
  /** Which line of its executor, from 0 up. */
  readonly line: number
  readonly label: string
  /** How many tasks at once full coverage means: 1, and for a shared line the most that were ever at work on it. */
  readonly capacity: number
  /** Tasks on it altogether, in and outside the window. */
  readonly tasks: number
  /** Every task in the window, where they are few enough to be drawn one by one (at most one for two columns, and not shared). */
  readonly slices?: Slices | undefined
  /** Else what each pixel column holds. */
  readonly coverage?: Coverage | undefined
}

/** Lines per executor that are shown one by one. */
export const linesMax = 48

/** In order of start; none overlaps another from `started` to `settled`. */
export interface Slices {
  readonly count: number
  /** Ids. */
  readonly task: Uint32Array
  readonly group: Uint16Array
  /** Places in {@link taskStates}. */
  readonly state: Uint8Array
  /** 1 when the task lies on the critical path; 0 as long as that has not been computed. */
  readonly critical: Uint8Array
  /** Known to the scheduler; then it waited for what it needs. */
  readonly queued: Float64Array
  /** All its needs were there; then it waited for a slot, a worker or a limiter. */
  readonly ready: Float64Array
  readonly started: Float64Array
  /** The present for tasks under way. */
  readonly settled: Float64Array
}

/** Per pixel column. */
export interface Coverage {
  /** Share of the column in which tasks were at work, 0 … 255: draw it as opacity. Anything above nothing is at least 1. */
  readonly share: Uint8Array
  /** The group with the most time in it. */
  readonly group: Uint16Array
  /** Share of its time that belongs to tasks that failed, 0 … 255; anything above nothing is at least 1. */
  readonly failed: Uint8Array
  /** 1 when part of it belongs to the critical path. */
  readonly critical: Uint8Array
}

// --- critical path ---------------------------------------------------------------------------------------------

export const segmentKinds = ['work', 'limiter', 'queue', 'dispatch', 'outside'] as const
export type SegmentKind = (typeof segmentKinds)[number]

export interface PathQuery extends RangeQuery {
  /** The most segments to return: the longest. @default 500 */
  readonly limit?: number | undefined
}

export interface PathView {
  readonly version: number
  readonly range: Range
  /** In order of time. Joined end to end over the whole wall time where none is left out. */
  readonly segments: readonly PathSegment[]
  /** How many there are. */
  readonly total: number
  readonly ms: Readonly<Record<SegmentKind, number>>
}

export interface PathSegment {
  /** `work`: the task itself; `limiter`, `queue`: it waited; `dispatch`: handing it out; `outside`: the program between runs. */
  readonly kind: SegmentKind
  readonly from: number
  readonly to: number
  /** Not for `outside`. */
  readonly task?: TaskRef | undefined
  /** Key of the task's lane in the timeline. */
  readonly lane?: string | undefined
}

// --- series ----------------------------------------------------------------------------------------------------

export interface SeriesQuery extends RangeQuery {
  /** Values per series, 2 … 4,096. @default 300 */
  readonly points?: number | undefined
}

/** All lists have the same length; value `i` is of the time from `at[i]` on, for `stepMs`. `null` where nothing was measured. */
export interface SeriesView {
  readonly version: number
  readonly range: Range
  readonly stepMs: number
  readonly at: readonly number[]
  /** Tasks settled per second. */
  readonly throughput: readonly number[]
  /** Tasks at work, on average. */
  readonly running: readonly number[]
  /** Tasks queued and not started, on average. */
  readonly queued: readonly number[]
  /** Tasks that failed in it. */
  readonly failures: readonly number[]
  /** Share of the time in which the event loop was busy, 0 … 1. */
  readonly busy: readonly (number | null)[]
  /** How long the event loop was held at most. */
  readonly delayMs: readonly (number | null)[]
  /** Cores in use. */
  readonly cores: readonly (number | null)[]
  readonly rssBytes: readonly (number | null)[]
}

// --- tasks -----------------------------------------------------------------------------------------------------

export const taskOrders = ['start', 'duration', 'wait', 'settled', 'label', 'attempts'] as const
export type TaskOrder = (typeof taskOrders)[number]

export interface TaskQuery extends RangeQuery {
  readonly group?: number | undefined
  readonly state?: TaskState | undefined
  /** In its label or its error's name, message or code; letter case does not matter. */
  readonly search?: string | undefined
  /** @default 'start' */
  readonly order?: TaskOrder | undefined
  /** @default false */
  readonly descending?: boolean | undefined
  /** @default 0 */
  readonly offset?: number | undefined
  /** 1 … 1,000. @default 100 */
  readonly limit?: number | undefined
}

export interface TaskPage {
  readonly version: number
  /** How many match. */
  readonly total: number
  readonly offset: number
  readonly rows: readonly TaskRow[]
}

export interface TaskRow extends TaskRef {
  readonly executor: number
  readonly queuedAt: number
  readonly readyAt: number
  readonly startedAt: number
  /** −1 while it is under way. */
  readonly settledAt: number
  /** From start to end, or to now. */
  readonly durationMs: number
  /** From queued to start. */
  readonly waitMs: number
  readonly attempts: number
  /** `Name: message`, on one line. */
  readonly error?: string | undefined
}

export interface TaskDetail extends TaskRow {
  readonly version: number
  /** Its place in its run. */
  readonly index: number
  /** Such as `map "fetchPage"`. */
  readonly run: string
  readonly lane: string
  readonly critical: boolean
  /** What it waited for, by cause. */
  readonly waits: { readonly dependencyMs: number; readonly slotMs: number; readonly limiterMs: number; readonly retryMs: number }
  /** Known to have crossed to another thread or machine; 0 when unknown. */
  readonly bytes: number
  /** The task inside which it was started. */
  readonly parent?: TaskRef | undefined
  /** At most 100 of each; the totals say how many there are. */
  readonly needs: readonly TaskRef[]
  readonly needsTotal: number
  readonly neededBy: readonly TaskRef[]
  readonly neededByTotal: number
  readonly children: readonly TaskRef[]
  readonly childrenTotal: number
  readonly failure?:
    | {
        readonly name: string
        readonly message: string
        readonly code?: string | undefined
        readonly stack?: string | undefined
        /** The place in the source, where it can be read. */
        readonly frame?: CodeFrame | undefined
      }
    | undefined
}

export interface CodeFrame {
  /** `file:line:column`. */
  readonly at: string
  readonly lines: readonly { readonly number: number; readonly text: string; readonly here: boolean }[]
}

// --- graph -----------------------------------------------------------------------------------------------------

export interface GraphQuery extends RangeQuery {
  /** Groups whose tasks are wanted one by one. @default none, but all of them when there are no more than 60 tasks */
  readonly expanded?: readonly number[] | undefined
}

/** Drawn with needs on the left: a node is in column `layer`, at height `place` of the `layers[layer]` nodes there. */
export interface GraphView {
  readonly version: number
  readonly nodes: readonly GraphNode[]
  readonly edges: readonly GraphEdge[]
  /** How many nodes stand in each layer. */
  readonly layers: readonly number[]
  /** The groups that are expanded. */
  readonly expanded: readonly number[]
  /** Tasks of expanded groups that are not shown one by one, because there are more than 400 of a group. */
  readonly leftOut: number
}

export interface GraphNode {
  /** `g3` for a group, `t17` for a task. */
  readonly key: string
  readonly label: string
  readonly group: number
  /** Id of the one task; 0 for a group. */
  readonly task: number
  readonly tasks: number
  readonly counts: Counts
  /** Sum from start to end over its tasks. */
  readonly ms: number
  readonly critical: boolean
  readonly layer: number
  readonly place: number
}

export interface GraphEdge {
  /** Places in `nodes`. */
  readonly from: number
  readonly to: number
  /** `needs`: `to` needs the result of `from`; `inside`: tasks of `to` were started inside tasks of `from`. */
  readonly kind: 'needs' | 'inside'
  /** How many pairs of tasks it stands for. */
  readonly count: number
  readonly critical: boolean
}

// --- exports ---------------------------------------------------------------------------------------------------

/** `html`: one file with this page, which opens offline; `heddle`: the trace itself; the rest as in `heddle trace --export`. */
export const exportFormats = ['html', 'heddle', ...traceFormats] as const
export type ReportFormat = (typeof exportFormats)[number]

export const exportFiles: Readonly<
  Record<ReportFormat, { readonly extension: string; readonly type: string; readonly title: string }>
> = {
  html: { extension: 'html', type: 'text/html; charset=utf-8', title: 'report that opens offline' },
  heddle: { extension: 'heddle', type: 'application/octet-stream', title: 'trace, for heddle trace and heddle ui' },
  chrome: { extension: 'json', type: 'application/json', title: 'Chrome trace, for ui.perfetto.dev' },
  otlp: { extension: 'otlp.json', type: 'application/json', title: 'OpenTelemetry spans (OTLP JSON)' },
  mermaid: { extension: 'mmd', type: 'text/plain; charset=utf-8', title: 'graph as Mermaid' },
  'svg-timeline': { extension: 'timeline.svg', type: 'image/svg+xml', title: 'timeline as SVG' },
  'svg-graph': { extension: 'graph.svg', type: 'image/svg+xml', title: 'graph as SVG' },
}

/**
 * How the offline report carries its trace: the text of the page's element with this id is base64 of the gzipped `.heddle` file
 * (`<script type="application/octet-stream" id="heddle-trace">`). A page that has no such element asks the server that it came from.
 */
export const embeddedTraceId = 'heddle-trace'
