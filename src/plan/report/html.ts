/** One page that opens offline: the three answers, the picture, risks and changes, everybody's tasks. No script, nothing loaded. */
import type { Assessment } from '../assess.ts'
import { lengths } from '../model/lengths.ts'
import type { Planned } from '../plan.ts'
import { escaped } from './mspdi.ts'
import { svg } from './svg.ts'
import { day } from './text.ts'

const style = `body{font:14px/1.5 system-ui,sans-serif;color:#1f2937;background:#fff;margin:24px auto;max-width:1180px;padding:0 16px}h1{font-size:20px;margin:0 0 4px}h2{font-size:16px;margin:28px 0 8px}table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:4px 10px 4px 0;border-bottom:1px solid #e5e7eb;vertical-align:top}th{font-weight:600;color:#4b5563}td.n,th.n{text-align:right;padding-right:16px;font-variant-numeric:tabular-nums}.quiet{color:#6b7280}.answers{display:flex;gap:32px;flex-wrap:wrap;margin:12px 0}.answers b{display:block;font-size:22px;font-weight:600}.critical{color:#c2410c;font-weight:600}.picture{overflow-x:auto;border:1px solid #e5e7eb;border-radius:6px}li{margin:8px 0}`

export function html(planned: Planned, assessment: Assessment): string {
  const { report } = planned
  const length = lengths(planned.project)
  const moment = (date: string | undefined, value: number): string => escaped(date === undefined ? length(value) : day(date))
  const { risk, mitigation } = assessment
  const limited = report.resources.length > 0
  const answers = [
    ['one after the other', report.sequential],
    ['as dependencies allow', report.ideal],
    ...(limited ? [['with what there is', report.scheduled] as const] : []),
    ['80 % sure', risk.p80],
  ] as const
  const chain = (limited ? report.chain : report.criticalPath).map(({ name }) => escaped(name)).join(' → ')
  const rows = report.tasks.map(
    (task) =>
      `<tr><td>${escaped(task.name)}</td><td>${moment(task.startDate, task.start)}</td><td>${moment(task.endDate, task.end)}</td><td class="n">${escaped(length(task.duration))}</td><td class="n">${escaped(length(task.slack))}</td><td class="n">${task.critical ? '<span class="critical">decides the end</span>' : escaped(length(task.float))}</td><td>${escaped(task.resource ?? '')}</td></tr>`,
  )
  const busy = report.resources.map(
    ({ name, capacity, utilization, float }) =>
      `<tr><td>${escaped(name)}</td><td class="n">${capacity}</td><td class="n">${Math.round(100 * utilization)} %</td><td class="n">${escaped(length(float))}</td></tr>`,
  )
  const risky = risk.tasks.slice(0, 15).map(({ name, criticality, absorbs, delay25, delay50, delay100 }) => {
    const cells = [delay25, delay50, delay100]
      .map((delay) => `<td class="n">${delay === null ? '' : `+${escaped(length(delay))}`}</td>`)
      .join('')
    return `<tr><td>${escaped(name)}</td><td class="n">${Math.round(100 * criticality)} %</td><td class="n">${escaped(length(absorbs))}</td>${cells}</tr>`
  })
  const changes = mitigation.map(
    ({ remedy, saves, end, message, question, where }) =>
      `<li><b>−${escaped(length(saves))}, to ${escaped(length(end))}</b>: ${escaped(remedy)}<br><span class="quiet">${escaped(message)} (${escaped(where)}). ${escaped(question ?? '')}</span></li>`,
  )
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(report.name || 'Plan')}</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"><style>${style}</style></head><body>
<h1>${escaped(report.name || 'Plan')}</h1>
<p class="quiet">${report.tasks.length} tasks${limited ? `, ${report.resources.length} people and machines` : ''}${report.startDate === undefined ? '' : `, ${moment(report.startDate, 0)} to ${moment(report.endDate, 0)}`}. ${report.gap === 0 ? 'No schedule with them ends earlier.' : `None ends before ${escaped(length(report.lowerBound))}.`}</p>
<div class="answers">${answers.map(([name, value]) => `<div><b>${escaped(length(value))}</b><span class="quiet">${name}</span></div>`).join('')}</div>
<p>${limited ? 'What decides the end' : 'Critical path'}: <span class="critical">${chain}</span></p>
<div class="picture">${svg(planned)}</div>
<h2>What would make it end earlier</h2>
${changes.length === 0 ? '<p class="quiet">No single change that was tried.</p>' : `<ol>${changes.join('')}</ol>`}
<h2>Delays</h2>
<p>Half of ${risk.runs.toLocaleString('en')} runs end by ${escaped(length(risk.p50))}, 80 % by ${escaped(length(risk.p80))}, 95 % by ${escaped(length(risk.p95))}; ${Math.round(100 * risk.onTime)} % as early as the schedule. ${risk.estimated} of ${report.tasks.length} tasks have an estimate; the others were drawn between 10 % less and 50 % more than planned.</p>
<table><thead><tr><th>task</th><th class="n">decides the end</th><th class="n">absorbs</th><th class="n">25 % longer</th><th class="n">50 %</th><th class="n">100 %</th></tr></thead><tbody>${risky.join('')}</tbody></table>
${limited ? `<h2>People and machines</h2>\n<table><thead><tr><th>name</th><th class="n">units</th><th class="n">busy</th><th class="n">may be late by</th></tr></thead><tbody>${busy.join('')}</tbody></table>` : ''}
<h2>Tasks</h2>
<table><thead><tr><th>task</th><th>start</th><th>end</th><th class="n">takes</th><th class="n">slack</th><th class="n">float</th><th>who</th></tr></thead><tbody>${rows.join('\n')}</tbody></table>
${report.notes.length > 0 ? `<h2>Notes</h2><ul>${report.notes.map((note) => `<li>${escaped(note)}</li>`).join('')}</ul>` : ''}
</body></html>
`
}
