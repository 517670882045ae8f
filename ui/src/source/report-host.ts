import type { ViewSource } from '../../../src/dashboard/page.ts'

/** Where the script of a report leaves its source for the page; absent in a page that a server hands out. */
export interface ReportHost {
  heddleReport?: (trace: string) => Promise<ViewSource>
}
