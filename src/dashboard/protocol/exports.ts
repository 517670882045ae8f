/** The forms in which a recording is handed out. */
import { exportFormats as traceFormats } from '../../trace/export/formats.ts'

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
