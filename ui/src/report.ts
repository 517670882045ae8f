/** The report that opens offline: the same page, with the model in it and its trace beside it. */
import { embeddedTraceId } from '../../src/dashboard/page.ts'
import { embeddedSource } from './source/embedded.ts'
import { start } from './start.tsx'

void start(() => {
  const text = document.getElementById(embeddedTraceId)?.textContent?.trim()
  if (!text) throw new Error('This report carries no trace.')
  return embeddedSource(text)
})
