import type { Trace } from '../model/trace.ts'
import { nodeDetails, taskGraph } from './task-graph.ts'

/** A Mermaid flowchart of the tasks (of groups, when there are many), the critical path bold, failures dark. */
export function mermaidGraph(trace: Trace): string {
  const nodes = taskGraph(trace)
  const lines = ['flowchart LR']
  for (const [i, node] of nodes.entries()) {
    lines.push(`  n${i}["${escape(node.label)}${node.tasks > 1 ? ` × ${node.tasks}` : ''}<br/>${nodeDetails(node)}"]`)
  }
  let edge = 0
  const bold: number[] = []
  for (const [i, { needs, critical }] of nodes.entries()) {
    for (const need of needs) {
      lines.push(`  n${need} --> n${i}`)
      if (critical && nodes[need]?.critical) bold.push(edge)
      edge++
    }
  }
  const numbers = (pick: (node: (typeof nodes)[number]) => boolean): string =>
    nodes.flatMap((node, i) => (pick(node) ? [`n${i}`] : [])).join(',')
  const [critical, failed] = [numbers((node) => node.critical), numbers((node) => node.failed === node.tasks)]
  if (critical !== '') lines.push('  classDef critical stroke-width:3px', `  class ${critical} critical`)
  if (failed !== '') lines.push('  classDef failed fill:#222,color:#fff', `  class ${failed} failed`)
  if (bold.length > 0) lines.push(`  linkStyle ${bold.join(',')} stroke-width:3px`)
  return `${lines.join('\n')}\n`
}

/** Mermaid reads `#name;` and `#number;` as characters, and HTML in labels. */
function escape(text: string): string {
  return text.replace(/[^\p{L}\p{N} _.,:()[\]/-]/gu, (letter) => `#${letter.codePointAt(0)};`)
}
