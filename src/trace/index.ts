/**
 * Records what ran, explains it, keeps it in files, exports it.
 *
 * @module heddle/trace
 */

// --- record
export { record, traceOf, type Recorded, type RecordOptions } from './record/record.ts'
export { Recorder, type RecorderOptions } from './record/recorder.ts'

// --- the model
export type { Trace, TraceError, TraceMeta } from './model/trace.ts'
export { taskError } from './model/trace.ts'

// --- files and live streams (format.ts describes them)
export { readTrace, readTraceBytes, saveTrace } from './format/file.ts'
export { TraceFile } from './record/trace-file.ts'
export { type TraceSink, TraceStream } from './record/trace-stream.ts'
export { TraceEncoder } from './format/encode.ts'
export { TraceDecoder } from './format/decode.ts'

// --- explain
export { explain } from './verdict/explain.ts'
export type { Explanation } from './verdict/explanation.ts'
export type { Idle } from './explain/idle-summary.ts'
export type { CriticalPath, Segment, SegmentKind } from './explain/critical-path.ts'
export type { Adapted } from './explain/adapted.ts'
export { type GroupStats, type Grouping, groupTasks, printable, runLabel, taskLabel } from './explain/groups.ts'
export type { FailureKind, Failures } from './explain/failures.ts'
export { type IdleCause, idleWords, type RowUse } from './explain/idle.ts'
export type { Work } from './explain/contention.ts'
export type { Advice, Pitfall } from './advice/index.ts'
export { compare, type ComparedRun, type Comparison } from './verdict/compare.ts'
export { fitScaling, predictThroughput, type ScalingFit, type ScalingPoint } from './explain/scaling.ts'

// --- traces of other systems
export type { SequenceFinding } from './import/findings.ts'
export { foreignFormats, readSpans } from './import/read.ts'
export type { Spans } from './import/spans/spans.ts'
export { traceOfSpans } from './import/to-trace.ts'
export { explainSpans, type OperationReport, type PathShare, type Quantiles, type SpanReport } from './import/report.ts'

// --- other tools
export { type ExportFormat, exportFormats, exportTrace } from './export/index.ts'
export { type LiveSpans, type OpenTelemetryOptions, publishSpans } from './export/opentelemetry.ts'
