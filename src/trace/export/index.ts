/** The forms in which other tools take a trace, by the name that the command line uses. */
import type { Trace } from '../model/trace.ts'
import { chromeTrace } from './chrome.ts'
import { type ExportFormat, exportFormats } from './formats.ts'
import { mermaidGraph } from './mermaid.ts'
import { otlpTrace } from './otlp.ts'
import { svgGraph } from './svg-graph.ts'
import { svgTimeline } from './svg-timeline.ts'

export { type ExportFormat, exportFormats }

/**
 * The `trace` in another `format`, in pieces: a million tasks make more text than one string holds.
 * `chrome` opens in Perfetto, `otlp` is what OpenTelemetry collectors take. Never throws.
 *
 * @example
 * for (const piece of exportTrace(trace, 'chrome')) file.write(piece)
 */
export function exportTrace(trace: Trace, format: ExportFormat): Iterable<string> {
  switch (format) {
    case 'chrome':
      return chromeTrace(trace)
    case 'otlp':
      return otlpTrace(trace)
    case 'mermaid':
      return [mermaidGraph(trace)]
    case 'svg-timeline':
      return [svgTimeline(trace)]
    case 'svg-graph':
      return [svgGraph(trace)]
  }
}
