/**
 * Holds a prediction against a measured run, part by part, and says which term was off: the one that the smallest change of efficiencies that explains the
 * measurement moves most. A single run does not determine all terms, so that this is where to look first, not a proof.
 */
import { type Efficiencies, efficiencyNames } from '../cost/efficiencies.ts'
import type { Setting } from '../cost/forward.ts'
import { type Steady, steadyState } from '../cost/serving.ts'
import { type Term, termNames } from '../cost/terms.ts'
import { fit } from './fit.ts'
import type { MeasuredRun } from './measured-run.ts'

export interface ComparedPart {
  readonly name: 'time per token' | 'a step without a prompt' | 'first token'
  readonly measuredSeconds: number
  readonly predictedSeconds: number
  /** Predicted over measured, minus 1. */
  readonly error: number
}

export interface Comparison {
  readonly parts: readonly ComparedPart[]
  /** The term that explains most of the difference, with its seconds per token before and after; nothing when the prediction is within 3 %. */
  readonly off: { readonly term: Term; readonly predictedSeconds: number; readonly explainedSeconds: number } | undefined
  /** The efficiencies that moved, in the order of how far. */
  readonly moved: readonly { readonly name: keyof Efficiencies; readonly from: number; readonly to: number }[]
  readonly notes: readonly string[]
}

export function compareRun(setting: Setting, run: MeasuredRun, concurrency: number): Comparison {
  const load = { input: run.input, output: run.output, concurrency }
  const at = (efficiencies: Efficiencies): Steady => steadyState({ ...setting, efficiencies }, load)
  const before = at(setting.efficiencies)
  const measures: (readonly [ComparedPart['name'], number | undefined, (state: Steady) => number])[] = [
    ['time per token', run.tokenSeconds, ({ tokenSeconds }) => tokenSeconds],
    ['a step without a prompt', run.stepSeconds, ({ stepSeconds }) => stepSeconds],
    // With requests that wait for the cache, the first token says nothing about the model.
    ['first token', before.saturated ? undefined : run.firstTokenSeconds, ({ firstTokenSeconds }) => firstTokenSeconds],
  ]
  const parts: ComparedPart[] = []
  const used: { readonly measured: number; readonly of: (state: Steady) => number }[] = []
  for (const [name, measured, of] of measures) {
    if (measured === undefined) continue
    parts.push({ name, measuredSeconds: measured, predictedSeconds: of(before), error: of(before) / measured - 1 })
    // Waits before a prompt are not of the model: the first token is shown, and not explained.
    if (name !== 'first token') used.push({ measured, of })
  }
  const explained = fit(
    (efficiencies, i) => used[i]?.of(at(efficiencies)) ?? 1,
    used.map(({ measured }) => measured),
    {
      names: efficiencyNames,
      start: setting.efficiencies,
      pull: 0.05,
    },
  )
  const after = at(explained.efficiencies)
  const change = (term: Term): number => Math.abs(after.perToken[term] - before.perToken[term])
  const term = termNames.toSorted((a, b) => change(b) - change(a))[0] ?? 'overhead'
  const close = Math.abs(parts[0]?.error ?? 0) < 0.03
  return {
    parts,
    off: close ? undefined : { term, predictedSeconds: before.perToken[term], explainedSeconds: after.perToken[term] },
    moved: efficiencyNames
      .map((name) => ({ name, from: setting.efficiencies[name], to: explained.efficiencies[name] }))
      .filter(({ from, to }) => Math.abs(Math.log(to / from)) > 0.01)
      .toSorted((a, b) => Math.abs(Math.log(b.to / b.from)) - Math.abs(Math.log(a.to / a.from))),
    notes: notesOf(run, before, concurrency),
  }
}

function notesOf(run: MeasuredRun, { resident, saturated }: Steady, concurrency: number): string[] {
  const notes: string[] = []
  if (saturated)
    notes.push(`the KV cache is predicted to hold ${resident} of ${concurrency} requests: the time to the first token is a wait`)
  const waves = run.requests / concurrency
  if (waves > 0 && waves < 5) {
    notes.push(
      `only ${waves.toFixed(1)} requests per place: the first prompts meet nobody, which makes tokens look faster than under constant load`,
    )
  }
  return notes
}
