/** A finished trace as the page's source, without a server: what the report that opens offline uses. */
import { chromeTrace } from '../../trace/export/chrome.ts'
import { mermaidGraph } from '../../trace/export/mermaid.ts'
import { svgGraph } from '../../trace/export/svg-graph.ts'
import { svgTimeline } from '../../trace/export/svg-timeline.ts'
import type { Trace } from '../../trace/model/trace.ts'
import { exportFormats, type Question, type ReportFormat, type ViewSource } from '../protocol.ts'
import { checkQuery, type Queries } from './query.ts'
import { type Answers, Recording } from './recording.ts'

/** Neither a page inside of the page, nor what needs Node's digests. */
const formats = exportFormats.filter((format) => format !== 'html' && format !== 'otlp')

/**
 * @param bytes a `.heddle` file
 * @throws {InvalidTrace} when the bytes are not a trace, or damaged
 */
export function traceSource(bytes: Uint8Array): ViewSource {
  const recording = new Recording({ write: writeHere })
  recording.push(bytes)
  recording.end()
  const ask =
    <Q extends Exclude<Question, 'export'>>(question: Q) =>
    async (query: Queries[Q]): Promise<Answers[Q]> =>
      recording.answer(question, checkQuery(question, query))
  return {
    exports: formats,
    overview: ask('overview'),
    explanation: ask('explanation'),
    window: ask('window'),
    path: ask('path'),
    series: ask('series'),
    tasks: ask('tasks'),
    task: ask('task'),
    graph: ask('graph'),
    export: ({ format }) => recording.export(format),
    subscribe(onTick) {
      let ended = false
      onTick(recording.tick())
      // The first view comes before the critical path, which takes a second for a million tasks.
      const timer = setTimeout(() => {
        if (recording.explain() && !ended) onTick(recording.tick())
      }, explainAfterMs)
      return () => {
        ended = true
        clearTimeout(timer)
      }
    },
  }
}

/** Long enough for the first view to be drawn. */
const explainAfterMs = 200

function writeHere(trace: Trace, format: Exclude<ReportFormat, 'heddle' | 'html'>): Iterable<string> {
  if (format === 'chrome') return chromeTrace(trace)
  if (format === 'mermaid') return [mermaidGraph(trace)]
  if (format === 'svg-timeline') return [svgTimeline(trace)]
  if (format === 'svg-graph') return [svgGraph(trace)]
  throw new Error(`A report cannot write ${format}; heddle trace --export ${format} can`)
}
