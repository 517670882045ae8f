/**
 * Finds the passages of a folder that are nearest to a question in meaning, not in words.
 *
 *     npx heddle run examples/serving/search.ts docs "what happens when a worker dies?"
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { map } from 'heddle'
import * as da from 'heddle/array'
import { minilm } from './models.ts'

const shown = 3

export default async function search(folder = 'docs', question = 'What happens when a worker dies?'): Promise<string> {
  try {
    const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.md')).toSorted()
    const passages = (await map(names, (name) => passagesOf(folder, name), { concurrency: 16 })).flat()
    if (passages.length === 0) return `${folder} has no Markdown files`
    // As many at once as the queue takes; the replicas make batches of similar length.
    const vectors = await map(passages, ({ text }) => minilm(text), { concurrency: 64 })
    const wanted = await minilm(question)
    const rows = da.from(Float32Array.from(vectors.flatMap((vector) => [...vector])), { shape: [passages.length, wanted.length] })
    // Vectors have length 1, so that the cosine is the product.
    const nearness = da.matmul(rows, da.from(wanted))
    const best = (await da.argtopk(nearness, Math.min(shown, passages.length)).compute()).toArray() as number[]
    const scores = (await nearness.compute()).toArray() as number[]
    return best
      .map((at) => {
        const { name, text } = passages[at] as Passage
        return `${(scores[at] as number).toFixed(2)}  ${name}: ${text.replaceAll(/\s+/g, ' ').slice(0, 90)}`
      })
      .join('\n')
  } finally {
    await minilm.close()
  }
}

interface Passage {
  readonly name: string
  readonly text: string
}

/** Paragraphs, without headings, code and tables. */
async function passagesOf(folder: string, name: string): Promise<Passage[]> {
  const text = await readFile(join(folder, name), 'utf8')
  return text
    .replaceAll(/^```[^]*?^```/gm, '')
    .split(/\n\s*\n/)
    .map((part) => part.trim())
    .filter((part) => part.length > 80 && !/^[#|<]/.test(part))
    .map((part) => ({ name, text: part }))
}
