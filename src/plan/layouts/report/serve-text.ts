/** A plan for serving as lines of text. */
import { type Terms, termLabels, termNames, totalOf } from '../cost/terms.ts'
import { layoutName } from '../search/divide.ts'
import type { Reason, Rejected, ServeCandidate, ServePlan, ServeRequest } from '../search/serve-request.ts'
import { table } from './table.ts'

export interface ServeTextOptions {
  readonly assumptions: readonly string[]
  readonly confidence: { readonly error: number; readonly basis: string }
  readonly launch: Readonly<Record<string, string>> | undefined
  readonly nearest: readonly string[]
}

export function serveText(
  request: ServeRequest,
  plan: ServePlan,
  { assumptions, confidence, launch, nearest }: ServeTextOptions,
): string[] {
  const lines = [heading(request), '']
  if (plan.best === undefined) lines.push(...nothing(plan, nearest))
  else lines.push(...bestLines(plan.best, request), '', 'Cheapest for their time per token:', ...frontLines(plan.pareto))
  if (plan.scaling.length > 1) lines.push('', ...scalingLines(plan, plan.best?.concurrency ?? 1))
  if (plan.rejected.length > 0) lines.push('', ...rejectedLines(plan.rejected))
  if (launch !== undefined) lines.push('', 'Start it:', ...Object.values(launch).map((line) => `  ${line}`))
  lines.push('', 'Assumed:', ...assumptions.map((line) => `  ${line}`))
  lines.push(`Expect an error of ±${Math.round(confidence.error * 100)} % in the time per token: ${confidence.basis}`)
  return lines
}

function heading({ model, gpu, nodes, perNode, engine, numbers, input, output, rate, concurrency }: ServeRequest): string {
  const gpus = nodes === 1 ? `${perNode} ${gpu.name}` : `${nodes} × ${perNode} ${gpu.name}`
  const load = rate !== undefined ? `, ${rate} requests/s` : concurrency !== undefined ? `, ${concurrency} requests at once` : ''
  return `${model.name} in ${numbers.weights} on ${gpus} with ${engine}: ${count(input)} tokens in, ${count(output)} out${load}`
}

function bestLines(best: ServeCandidate, request: ServeRequest): string[] {
  const idle = request.nodes * request.perNode - best.gpus
  return [
    `Best: ${best.replicas} × ${layoutName(best.layout)}, ${best.concurrency} requests at once in each${idle > 0 ? ` (${idle} GPUs stay free)` : ''}`,
    `  ${ms(best.tokenSeconds)} per token, first token ${firstToken(best)}, ${rate(best.tokensPerSecond)} tokens/s, $${money(best.dollarsPerMillion)} per million output tokens`,
    `  ${Math.round(best.load * 100)} % of its capacity; per GPU ${gb(best.memory.weights)} of weights and ${gb(best.memory.cache)} for the KV cache`,
    `  a token: ${shares(best.perToken)}`,
    `  a prompt: ${shares(best.prompt)}`,
    ...(best.firstTokenRefused === undefined ? [] : [`  no time to the first token is given: ${best.firstTokenRefused}`]),
  ]
}

/** The largest terms, as shares. */
export function shares(terms: Terms): string {
  const total = totalOf(terms)
  return termNames
    .filter((name) => terms[name] / total >= 0.005)
    .toSorted((a, b) => terms[b] - terms[a])
    .map((name) => `${termLabels[name]} ${Math.round((terms[name] / total) * 100)} %`)
    .join(', ')
}

function frontLines(front: readonly ServeCandidate[]): string[] {
  return table(
    ['layout', 'GPUs', 'at once', 'ms/token', 'first token', 'tokens/s', '$/million', 'decides'],
    front.map((one) => [
      `${one.replicas} × ${layoutName(one.layout)}`,
      String(one.gpus),
      String(one.concurrency),
      (one.tokenSeconds * 1e3).toFixed(1),
      firstToken(one),
      rate(one.tokensPerSecond),
      money(one.dollarsPerMillion),
      termLabels[one.decides.decode],
    ]),
  )
}

function scalingLines({ scaling }: ServePlan, concurrency: number): string[] {
  const stop = scaling.find(({ worthIt }) => worthIt === false)
  return [
    `More GPUs for one replica, ${concurrency} ${concurrency === 1 ? 'request' : 'requests'} at once:`,
    ...table(
      ['GPUs', 'fastest', 'ms/token', 'twice the GPUs'],
      scaling.map(({ gpus, layout, tokenSeconds, gain, worthIt, blame }) => [
        String(gpus),
        layoutName(layout),
        (tokenSeconds * 1e3).toFixed(1),
        gain === undefined || blame === undefined
          ? ''
          : `${gain.toFixed(2)} × as fast${worthIt === true ? '' : `, held back by ${termLabels[blame]}`}`,
      ]),
    ),
    stop === undefined || stop.blame === undefined
      ? 'Each doubling is worth it.'
      : `More than ${stop.gpus / 2} GPUs for a replica stop helping: ${termLabels[stop.blame]}. More replicas serve more requests.`,
  ]
}

const reasonNames: Readonly<Record<Reason, string>> = {
  memory: 'do not fit the memory',
  divisibility: 'do not divide',
  latency: 'miss a limit',
  capacity: 'serve too little',
}

function rejectedLines(rejected: readonly Rejected[]): string[] {
  const lines = ['Out:']
  for (const reason of ['memory', 'latency', 'capacity', 'divisibility'] as const) {
    const some = rejected.filter((one) => one.reason === reason)
    const first = some[0]
    if (first === undefined) continue
    lines.push(
      `  ${some.length} ${reasonNames[reason]}: ${some
        .slice(0, 6)
        .map(({ layout }) => layoutName(layout))
        .join(', ')}${some.length > 6 ? ' …' : ''}`,
    )
    lines.push(`    ${layoutName(first.layout)} ${first.why}`)
  }
  return lines
}

function nothing({ rejected }: ServePlan, nearest: readonly string[]): string[] {
  const fits = rejected.some(({ reason }) => reason === 'latency' || reason === 'capacity')
  const works = nearest.length > 0 ? ['The nearest that works:', ...nearest.map((line) => `  ${line}`)] : []
  return [fits ? 'No layout meets the limits.' : 'No layout fits the memory.', ...works]
}

function firstToken({ firstTokenSeconds }: ServeCandidate): string {
  return firstTokenSeconds === undefined ? 'not given' : ms(firstTokenSeconds)
}

export const ms = (seconds: number): string =>
  seconds < 0.9995 ? `${(seconds * 1e3).toPrecision(3)} ms` : `${seconds.toPrecision(3)} s`
export const gb = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`
export const money = (dollars: number): string => (dollars < 10 ? dollars.toPrecision(2) : dollars.toFixed(0))
export const count = (value: number): string => Math.round(value).toLocaleString('en')
const rate = (value: number): string => (value < 100 ? value.toPrecision(3) : count(value))
