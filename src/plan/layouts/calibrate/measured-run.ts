/**
 * Reads what load generators write: vLLM's `vllm bench serve --save-result` (JSON), SGLang's `bench_serving --output-file` (a line of JSON per run), and
 * AIPerf's `profile_export_aiperf.json`. Times are means unless the name says otherwise.
 */
import { InvalidOption } from '../../../base/errors.ts'

export interface MeasuredRun {
  readonly tool: 'vllm' | 'sglang' | 'aiperf'
  /** Tokens, means. */
  readonly input: number
  readonly output: number
  /** Requests under way; absent where only a rate was set. */
  readonly concurrency?: number
  readonly requests: number
  /** Per output token after the first. */
  readonly tokenSeconds: number
  /** Median between two tokens: a step in which no prompt took part. */
  readonly stepSeconds?: number
  readonly firstTokenSeconds?: number
  /** Output tokens a second. */
  readonly tokensPerSecond?: number
}

type Json = Readonly<Record<string, unknown>>

/**
 * @param name of the file, for messages
 * @throws {InvalidOption} when it is none of these, or lacks what is compared
 */
export function readMeasuredRuns(text: string, name: string): MeasuredRun[] {
  const documents = parse(text, name)
  return documents.map((document) => ('inter_token_latency' in document ? aiperf(document, name) : bench(document, name)))
}

function parse(text: string, name: string): Json[] {
  try {
    const whole: unknown = JSON.parse(text)
    return (Array.isArray(whole) ? whole : [whole]) as Json[]
  } catch {
    try {
      return text
        .split('\n')
        .filter((line) => line.trim() !== '')
        .map((line) => JSON.parse(line) as Json)
    } catch (cause) {
      throw new InvalidOption(`${name} holds neither JSON nor lines of JSON`, { cause, hint })
    }
  }
}

const hint =
  'Give the result file of vllm bench serve --save-result, of SGLang bench_serving --output-file, or profile_export_aiperf.json.'

/** vLLM and SGLang name most things alike. */
function bench(document: Json, name: string): MeasuredRun {
  const [completed, input, output, token] = ['completed', 'total_input_tokens', 'total_output_tokens', 'mean_tpot_ms'].map(
    (field) => numberAt(document, [field]),
  )
  const missing = Object.entries({ completed, total_input_tokens: input, total_output_tokens: output, mean_tpot_ms: token })
    .filter(([, value]) => value === undefined)
    .map(([field]) => `\`${field}\``)
  if (completed === undefined || input === undefined || output === undefined || token === undefined) {
    throw new InvalidOption(`${name} lacks ${missing.join(', ')}`, { hint })
  }
  if (completed === 0) throw new InvalidOption(`${name} is of a run in which no request completed`)
  return {
    tool: 'model_id' in document ? 'vllm' : 'sglang',
    input: input / completed,
    output: output / completed,
    requests: completed,
    tokenSeconds: token / 1e3,
    ...optional('concurrency', numberAt(document, ['max_concurrency'])),
    ...optional('stepSeconds', milliseconds(document, ['median_itl_ms'])),
    ...optional('firstTokenSeconds', milliseconds(document, ['mean_ttft_ms'])),
    ...optional('tokensPerSecond', numberAt(document, ['output_throughput'])),
  }
}

function aiperf(document: Json, name: string): MeasuredRun {
  const input = numberAt(document, ['input_sequence_length', 'avg'])
  const output = numberAt(document, ['output_sequence_length', 'avg'])
  const token = seconds(document, 'inter_token_latency', 'avg')
  if (input === undefined || output === undefined || token === undefined) {
    throw new InvalidOption(
      `${name} lacks the averages of \`input_sequence_length\`, \`output_sequence_length\` or \`inter_token_latency\``,
      { hint },
    )
  }
  return {
    tool: 'aiperf',
    input,
    output,
    requests: numberAt(document, ['request_count', 'avg']) ?? 0,
    tokenSeconds: token,
    ...optional(
      'concurrency',
      numberAt(document, ['input_config', 'loadgen', 'concurrency']) ?? numberAt(document, ['concurrency']),
    ),
    ...optional('firstTokenSeconds', seconds(document, 'time_to_first_token', 'avg')),
    ...optional('tokensPerSecond', numberAt(document, ['output_token_throughput', 'avg'])),
  }
}

function numberAt(document: unknown, path: readonly string[]): number | undefined {
  let value = document
  for (const key of path) value = typeof value === 'object' && value !== null ? (value as Json)[key] : undefined
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

function milliseconds(document: Json, path: readonly string[]): number | undefined {
  const value = numberAt(document, path)
  return value === undefined ? undefined : value / 1e3
}

/** AIPerf says its units. */
function seconds(document: Json, metric: string, statistic: string): number | undefined {
  const value = numberAt(document, [metric, statistic])
  const unit = (document[metric] as Json | undefined)?.['unit']
  return value === undefined ? undefined : unit === 's' || unit === 'sec' ? value : value / 1e3
}

function optional<K extends string>(key: K, value: number | undefined): { readonly [P in K]?: number } {
  return value === undefined || value === 0 ? {} : ({ [key]: value } as { readonly [P in K]: number })
}
