/** The page. A server hands it out; a report that opens offline is the same page, with the model and its trace beside it. */
import { embeddedTraceId, type ViewSource } from '../../src/dashboard/page.ts'
import type { ReportHost } from './source/report-host.ts'
import { openServer } from './source/server.ts'
import { start } from './start.tsx'

const { heddleReport } = globalThis as ReportHost
void start(heddleReport ? () => openReport(heddleReport) : openServer)

function openReport(open: (trace: string) => Promise<ViewSource>): Promise<ViewSource> {
  const trace = document.getElementById(embeddedTraceId)?.textContent?.trim()
  if (!trace) throw new Error('This report does not carry a trace.')
  return open(trace)
}
