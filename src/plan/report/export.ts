/** The forms in which a plan goes to other tools. */
import { assess, type Assessment } from '../assess.ts'
import type { Planned } from '../plan.ts'
import type { PlanExport } from './names.ts'
import { csv } from './csv.ts'
import { digestText } from './digest.ts'
import { html } from './html.ts'
import { mermaid } from './mermaid.ts'
import { mspdi } from './mspdi.ts'
import { ownProject } from './own.ts'
import { svg } from './svg.ts'

const writers: Readonly<Record<PlanExport, (planned: Planned, assessment: () => Assessment) => string>> = {
  json: ({ project }) => `${JSON.stringify(ownProject(project), null, 2)}\n`,
  csv,
  mermaid,
  mspdi,
  svg,
  html: (planned, assessment) => html(planned, assessment()),
  digest: digestText,
}

/**
 * Writes a plan: `json`, `csv`, `mermaid` and `mspdi` are read again as the same project, `svg` and `html` are pictures, `digest` has a message for each person.
 * Never throws.
 * @param format one of {@link planExports}
 * @param assessment of {@link assess}, where it is there already
 * @example
 * await writeFile('plan.svg', exportPlan(planned, 'svg'))
 */
export function exportPlan(planned: Planned, format: PlanExport, assessment?: Assessment): string {
  return writers[format](planned, () => assessment ?? assess(planned))
}
