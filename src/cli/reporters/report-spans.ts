/** Traces of another system, explained in a terminal: how long each operation takes, what decides that, and what ran one after the other without need. */
import { formatMs } from '../../base/duration.ts'
import type { OperationReport, PathShare, SequenceFinding, SpanReport } from '../../trace/index.ts'
import type { Paint } from '../terminal/paint.ts'
import { readableLine } from '../../base/readable.ts'

const operationsShown = 8
const callsShown = 5
const findingsShown = 12
const unknownShown = 3

export function spanReportText(files: readonly string[], report: SpanReport, paint: Paint): string {
  const { bold, dim, yellow } = paint
  const sure = report.findings.filter(({ tier }) => tier !== 'info')
  const unknown = report.findings.filter(({ tier }) => tier === 'info')
  const name = files.length === 1 ? readableLine(files[0] ?? '') : `${files.length} files`
  return [
    `${bold(name)} ${dim(`· ${report.format} · ${counted(report.spans, 'span')} of ${counted(report.traces, 'trace')}, ${counted(report.services, 'service')}`)}`,
    ...report.warnings.map((line) => yellow(readableLine(line))),
    ...report.operations.slice(0, operationsShown).flatMap((operation) => ['', ...operationLines(operation, paint)]),
    ...rest(report.operations.length - operationsShown, 'operation', paint),
    '',
    bold('What ran one after the other'),
    ...(sure.length === 0
      ? ['  nothing on a critical path that could have run at once, as far as the spans tell']
      : sure.slice(0, findingsShown).flatMap((finding, i) => [...(i === 0 ? [] : ['']), ...findingLines(finding, paint)])),
    ...rest(sure.length - findingsShown, 'finding', paint),
    ...(unknown.length === 0
      ? []
      : [
          '',
          bold('Not known'),
          ...unknown.slice(0, unknownShown).flatMap((finding) => findingLines(finding, paint)),
          ...rest(unknown.length - unknownShown, 'finding', paint),
        ]),
    ...(sure.length + unknown.length > 0
      ? [
          '',
          dim(
            'Times alone never prove that one call needs another, nor that it does not: each finding says what else speaks for it.',
          ),
        ]
      : []),
  ].join('\n')
}

const counted = (count: number, noun: string): string => `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`

const rest = (count: number, noun: string, { dim }: Paint): string[] =>
  count > 0 ? [dim(`  and ${counted(count, `more ${noun}`)}: --json has all`)] : []

function operationLines(operation: OperationReport, { bold, dim }: Paint): string[] {
  const { service, name, traces, took, predicted, atBest } = operation
  const title = `${bold(readableLine(service === '' ? name : `${service}: ${name}`))} ${dim(`· ${counted(traces, 'trace')}`)}`
  const better = predicted.p50 < 0.98 * took.p50 || predicted.p95 < 0.98 * took.p95
  const best = atBest.p50 < 0.98 * predicted.p50 || atBest.p95 < 0.98 * predicted.p95
  const arrow = (before: number, after: number): string =>
    better ? `${formatMs(before)} → ${formatMs(after)}` : formatMs(before)
  const times =
    traces === 1 ? arrow(took.p50, predicted.p50) : `p50 ${arrow(took.p50, predicted.p50)}, p95 ${arrow(took.p95, predicted.p95)}`
  const least = traces === 1 ? formatMs(atBest.p50) : `p50 ${formatMs(atBest.p50)}, p95 ${formatMs(atBest.p95)}`
  return [
    title,
    `  ${times}${better ? ' with the findings below' : ''}${best ? dim(`; no less than ${least} with all that is not known`) : ''}`,
    `  ${dim('critical path')} ${pathText(operation.path)}`,
    ...(better ? [`  ${dim('afterwards')} ${pathText(operation.pathAfter)}`] : []),
  ]
}

function pathText(path: readonly PathShare[]): string {
  return path
    .slice(0, callsShown)
    .filter(({ share }) => share >= 0.01)
    .map(
      ({ service, call, share }) =>
        `${readableLine(short(service === '' ? call : `${service}: ${call}`))} ${(100 * share).toFixed(0)} %`,
    )
    .join(' · ')
}

const longestCall = 60
const short = (text: string): string => (text.length > longestCall ? `${text.slice(0, longestCall)}…` : text)

function findingLines(finding: SequenceFinding, { cyan, dim, yellow }: Paint): string[] {
  const { tier, message, savingMs, shareOfP50, traces, traceId, operation, service, parent, code, proof, question, remedy } =
    finding
  const saving =
    savingMs > 0
      ? ` (could save ${formatMs(savingMs)}, ${(100 * shareOfP50).toFixed(0)} % of the median, in ${counted(traces, 'trace')})`
      : ''
  const where = [service === '' ? parent : `${service}: ${parent}`, ...(operation === parent ? [] : [`of ${operation}`])].join(
    ' ',
  )
  return [
    `  ${yellow(readableLine(message))}${saving}`,
    dim(
      `    in ${readableLine(where)}${code === '' ? '' : `, ${readableLine(code)}`}${traces > 1 ? `; most in trace ${readableLine(traceId)}` : ''}`,
    ),
    ...proof.map((line) => dim(`    ${tier}: ${readableLine(line)}`)),
    ...(question === undefined ? [] : [dim(`    ${question}`)]),
    `    ${cyan('→')} ${remedy}`,
  ]
}
