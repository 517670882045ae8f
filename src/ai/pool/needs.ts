/** The needs of a call, and whether a model meets them, as far as data says. */
import type { CallOptions } from '../model/sdk-model.ts'
import type { Ability } from '../prices/prices.ts'

/** What a call needs. */
export interface Needs {
  readonly abilities: readonly Ability[]
  /** Tokens that the answer may have; undefined where the call does not say. */
  readonly output: number | undefined
}

/** What is known of a model. */
export interface Can {
  readonly abilities: ReadonlySet<string> | undefined
  readonly maxOutput: number | undefined
}

export const needsNothing: Needs = { abilities: [], output: undefined }

/** Parts of a prompt that are looked at, and their depth. A call with more than this many parts has had its say. Chosen. */
const partsMost = 10_000

/** @param options of a call, as the AI SDK gives them to a model */
export function needsOf({ tools, prompt, responseFormat, maxOutputTokens }: CallOptions): Needs {
  const abilities = new Set<Ability>()
  if (Array.isArray(tools) && tools.some((tool: { type?: unknown } | null) => tool?.type === 'function')) abilities.add('tools')
  const format = responseFormat as { type?: unknown; schema?: unknown } | null | undefined
  if (format?.type === 'json' && format.schema !== undefined) abilities.add('schema')
  let left = partsMost
  for (const message of Array.isArray(prompt) ? (prompt as readonly unknown[]) : []) {
    const content = (message as { content?: unknown } | null)?.content
    for (const part of Array.isArray(content) ? (content as readonly unknown[]) : []) {
      if (left-- <= 0) break
      const kind = kindOf((part as { mediaType?: unknown } | null)?.mediaType)
      if (kind) abilities.add(kind)
    }
  }
  return { abilities: [...abilities], output: maxOutputTokens }
}

function kindOf(mediaType: unknown): Ability | undefined {
  if (typeof mediaType !== 'string') return undefined
  if (mediaType === 'application/pdf') return 'files'
  const [kind] = mediaType.split('/', 1)
  return kind === 'image' ? 'images' : kind === 'audio' || kind === 'video' ? kind : undefined
}

/** How many of the needs a model is known not to meet. */
export function lacking({ abilities, maxOutput }: Can, needs: Needs): number {
  const missing = abilities === undefined ? 0 : needs.abilities.filter((ability) => !abilities.has(ability)).length
  return missing + (maxOutput !== undefined && needs.output !== undefined && needs.output > maxOutput ? 1 : 0)
}
