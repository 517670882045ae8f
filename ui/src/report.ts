/** What makes an offline report of the page: the model, which answers from the trace that the report carries. */
import { embeddedSource } from './source/embedded.ts'
import type { ReportHost } from './source/report-host.ts'

;(globalThis as ReportHost).heddleReport = embeddedSource
