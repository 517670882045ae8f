/** Prints what was measured: a table for people, one document for programs. */
import { availableParallelism, cpus } from 'node:os'

/** @typedef {import('./measure.mjs').Bench} Bench @typedef {import('./measure.mjs').Results} Results @typedef {import('./measure.mjs').Target} Target */

/** @param {string} name @param {Bench} bench @param {Results} results */
export function document(name, bench, results) {
  const rows = results.sizes.flatMap((size) =>
    [...(results.samples.get(size)?.keys() ?? [])].map((contender) => row(bench, results, size, contender)),
  )
  return {
    bench: name,
    about: bench.about,
    unit: bench.unit ?? 'ms',
    reference: bench.reference,
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    rows,
    absent: Object.fromEntries(results.absent),
    targets: (bench.targets?.(results) ?? []).map((target) => ({ ...target, reached: reached(target) })),
  }
}

/** @param {Bench} bench @param {Results} results @param {string} size @param {string} contender */
function row(bench, results, size, contender) {
  const samples = results.of(contender, size)
  const names = Object.keys(results.samples.get(size)?.get(contender)?.[0] ?? {}).filter((name) => name !== 'figure')
  return {
    case: size,
    contender,
    figure: results.median(contender, size),
    min: Math.min(...samples),
    max: Math.max(...samples),
    rounds: samples.length,
    ratio: results.ratio(contender, bench.reference, size),
    extra: Object.fromEntries(names.map((name) => [name, results.median(contender, size, name)])),
  }
}

/** @param {Target} target */
function reached({ got, atMost, atLeast }) {
  if (got === undefined) return undefined
  return got <= (atMost ?? Number.POSITIVE_INFINITY) && got >= (atLeast ?? Number.NEGATIVE_INFINITY)
}

/** @param {ReturnType<typeof document>} report */
export function print(report) {
  const { bench, about, unit, reference, node, cores, cpu } = report
  console.log(`${bench}: ${about}`)
  console.log(`${unit}, median of the rounds (least – most), Node ${node}, ${cores} × ${cpu}\n`)
  const lines = report.rows.map((row, i) => [
    row.case === report.rows[i - 1]?.case ? '' : row.case,
    row.contender,
    number(row.figure),
    `(${number(row.min)} – ${number(row.max)})`,
    row.contender === reference || row.ratio === undefined ? '' : `${number(row.ratio)} × ${reference}`,
    ...Object.entries(row.extra).map(([name, value]) => `${name} ${number(value)}`),
  ])
  table(lines)
  for (const [contender, why] of Object.entries(report.absent)) console.log(`\n${contender} was not measured: ${why}`)
  if (report.targets.length > 0) console.log('')
  table(report.targets.map(targetLine))
}

/** @param {Target & { reached: boolean | undefined }} target */
function targetLine({ what, got, atMost, atLeast, reached }) {
  const verdict = reached === undefined ? 'not measured' : reached ? 'reached' : 'MISSED'
  return [
    verdict,
    what,
    got === undefined ? '' : number(got),
    atMost === undefined ? `≥ ${number(atLeast)}` : `≤ ${number(atMost)}`,
  ]
}

/** Three significant figures. @param {number | undefined} value */
export function number(value) {
  if (value === undefined || Number.isNaN(value)) return '–'
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en')
  return String(Number(value.toPrecision(3)))
}

/** Columns flush left, figures flush right. @param {string[][]} lines */
function table(lines) {
  const widths = Array.from({ length: Math.max(0, ...lines.map((line) => line.length)) }, (_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  )
  for (const line of lines) {
    const cells = line.map((cell, i) => (/^[\d≥≤–]/.test(cell) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
    console.log(`  ${cells.join('  ')}`.trimEnd())
  }
}
