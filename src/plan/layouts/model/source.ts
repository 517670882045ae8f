/** Where a model's architecture comes from. */
import { describe, InvalidOption } from '../../../base/errors.ts'
import type { Architecture } from './architecture.ts'
import { fromHuggingFace } from './hugging-face.ts'
import { preset } from './presets.ts'

/** A preset's name, a parsed Hugging Face `config.json`, or an architecture. */
export type ModelSource = string | Architecture | Readonly<Record<string, unknown>>

/** @throws {InvalidOption} */
export function architectureOf(source: ModelSource): Architecture {
  if (typeof source === 'string') return preset(source)
  if (typeof source !== 'object' || source === null) {
    throw new InvalidOption(`Expected \`model\` to be a name, a config or an architecture, got ${describe(source)}`)
  }
  if (isArchitecture(source)) return source
  const name = source['_name_or_path']
  return fromHuggingFace(source, typeof name === 'string' && name !== '' ? name : 'config.json')
}

function isArchitecture(source: object): source is Architecture {
  return 'layers' in source && 'attention' in source && 'vocabulary' in source
}
