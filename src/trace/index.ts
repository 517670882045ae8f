/**
 * Records what ran, explains it, keeps it in files, exports it.
 *
 * @module heddle/trace
 */

// --- record
export { record, traceOf, type Recorded, type RecordOptions } from './record.ts'
export { Recorder, type RecorderOptions } from './recorder.ts'

// --- the model
export type { Trace, TraceError, TraceMeta } from './model.ts'
export { taskError } from './model.ts'

// --- files and live streams (format.ts describes them)
export { readTrace, readTraceBytes, saveTrace, TraceFile } from './file.ts'
export { type TraceSink, TraceStream } from './stream.ts'
export { TraceEncoder } from './encode.ts'
export { TraceDecoder } from './decode.ts'

// --- explain
export { explain, type Explanation } from './explain.ts'
export type { Idle } from './idle-summary.ts'
export type { CriticalPath, Segment, SegmentKind } from './critical-path.ts'
export type { Adapted } from './adapted.ts'
export { type GroupStats, type Grouping, groupTasks, printable, runLabel, taskLabel } from './groups.ts'
export type { FailureKind, Failures } from './failures.ts'
export { type IdleCause, idleWords, type RowUse } from './idle.ts'
export type { Work } from './contention.ts'
export type { Advice, Pitfall } from './advice/index.ts'
export { compare, type ComparedRun, type Comparison } from './compare.ts'
export { fitScaling, predictThroughput, type ScalingFit, type ScalingPoint } from './scaling.ts'

// --- other tools
export { type ExportFormat, exportFormats, exportTrace } from './export/index.ts'
export { type LiveSpans, type OpenTelemetryOptions, publishSpans } from './export/opentelemetry.ts'
