/** Reads a table of measured runs for calibration: one row per run, columns by their names. */
import { InvalidOption } from '../../../base/errors.ts'
import { csvRows } from '../../formats/csv-table.ts'
import type { ReplicaLayout } from '../cost/forward.ts'

export interface BenchRow {
  readonly line: number
  readonly input: number
  readonly output: number
  /** Requests under way in one replica. */
  readonly concurrency: number
  readonly layout: ReplicaLayout
  readonly tokenSeconds: number
}

/** Each with the names that tools give it. */
const columns = {
  input: ['input', 'isl', 'input_len', 'random_input_len', 'input_tokens'],
  output: ['output', 'osl', 'output_len', 'random_output_len', 'output_tokens'],
  concurrency: ['concurrency', 'max_concurrency', 'batch', 'batch_size'],
  tpot: ['tpot_ms', 'mean_tpot_ms', 'tpot', 'silicon_tpot_ms', 'itl_ms'],
  tensor: ['tensor', 'tp', 'tp_size', 'tensor_parallel_size'],
  pipeline: ['pipeline', 'pp', 'pp_size', 'pipeline_parallel_size'],
  expert: ['expert', 'ep', 'ep_size', 'moe_ep_size'],
  attentionData: ['attention_data', 'dp', 'dp_size', 'attention_dp_size', 'data_parallel_size'],
} as const

/**
 * @param name of the file, for messages
 * @throws {InvalidOption} when a column is missing or a cell is not a number
 */
export function readBenchCsv(text: string, name: string): BenchRow[] {
  const [head, ...rows] = csvRows(text)
  const names = head?.cells.map((cell) => cell.toLowerCase().replaceAll(' ', '_')) ?? []
  const places = new Map<string, number>()
  for (const [key, aliases] of Object.entries(columns)) {
    const at = names.findIndex((column) => (aliases as readonly string[]).includes(column))
    if (at !== -1) places.set(key, at)
  }
  const missing = (['input', 'output', 'concurrency', 'tpot'] as const).filter((key) => !places.has(key))
  if (missing.length > 0) {
    throw new InvalidOption(`${name} has no column for ${missing.map((key) => columns[key].join(' or ')).join('; none for ')}`, {
      hint: 'The first line names the columns: input, output, concurrency, tensor, tpot_ms.',
    })
  }
  if (rows.length === 0) throw new InvalidOption(`${name} has a first line and no rows`)
  return rows.map(({ cells, line }) => {
    const value = (key: keyof typeof columns, otherwise: number): number => {
      const at = places.get(key)
      const cell = at === undefined ? '' : (cells[at] ?? '')
      if (cell === '' && Number.isFinite(otherwise)) return otherwise
      const parsed = Number(cell)
      if (cell !== '' && Number.isFinite(parsed) && parsed > 0) return parsed
      throw new InvalidOption(
        `${name}, line ${line}: expected ${columns[key][0]} to be a number above 0, got ${JSON.stringify(cell)}`,
      )
    }
    return {
      line,
      input: value('input', Number.NaN),
      output: value('output', Number.NaN),
      concurrency: value('concurrency', Number.NaN),
      layout: {
        tensor: value('tensor', 1),
        pipeline: value('pipeline', 1),
        expert: value('expert', 1),
        attentionData: value('attentionData', 1),
      },
      tokenSeconds: value('tpot', Number.NaN) / 1e3,
    }
  })
}
