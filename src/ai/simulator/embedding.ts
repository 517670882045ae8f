/** Embeddings without a model: hashed bags of words, so that texts that share words lie close to each other. */
import { wordsOf } from './language.ts'

/** A vector of length 1; float64 numbers, `dimensions` of them. Equal texts give equal vectors. */
export function embeddingOf(text: string, dimensions: number): number[] {
  const vector = Array.from({ length: dimensions }, () => 0)
  for (const word of wordsOf(text)) {
    const hash = fnv1a(word)
    vector[hash % dimensions] = (vector[hash % dimensions] as number) + (hash & 0x1_00_00 ? 1 : -1)
  }
  const length = Math.hypot(...vector)
  if (length === 0) vector[0] = 1
  return length === 0 ? vector : vector.map((value) => value / length)
}

/** FNV-1a, 32 bits (Fowler, Noll, Vo). */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}
