/**
 * Reviews every Markdown file of a folder: three questions on each text at once, many texts at once, as fast as the provider's
 * limits allow. A text that fails costs the others nothing.
 *
 *     npx heddle run examples/ai/review.ts [folder]
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { map } from 'heddle'
import { perspectives } from 'heddle/ai'
import { z } from 'zod'
import { costLine, openModel } from './provider.ts'

const mood = z.object({ sentiment: z.enum(['positive', 'neutral', 'negative']) })
const topics = z.object({ topics: z.array(z.string()).max(5) })

export default async function review(folder = 'docs'): Promise<string> {
  const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith('.md')).sort()
  const { model, simulated, close } = await openModel()
  try {
    const { ok, failed } = await map(
      files,
      async (file) => {
        const text = await readFile(join(folder, file), 'utf8')
        const views = await perspectives(
          text,
          {
            summary: { prompt: 'Summarize this in one sentence.' },
            mood: { prompt: 'What is the sentiment?', schema: mood },
            topics: { prompt: 'What are the topics?', schema: topics },
          },
          { model },
        )
        return { file, ...views }
      },
      { concurrency: 200, onFailure: 'settle' },
    )
    const lines = ok.map(
      (seen) => `${seen.file}  ${seen.mood.sentiment}  ${seen.topics.topics.join(', ')}\n    ${seen.summary.slice(0, 120)}`,
    )
    const lost = failed.map(({ item, error }) => `${item}  failed: ${String(error)}`)
    return [...lines, ...lost, costLine(model.report(), simulated)].join('\n')
  } finally {
    await close()
  }
}
