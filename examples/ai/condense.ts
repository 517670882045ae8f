/**
 * Condenses texts that are far longer than a context: parts at natural boundaries, all of them at once, then as many levels of
 * combining as it takes. The result says which parts of which file it rests on.
 *
 *     npx heddle run examples/ai/condense.ts [file …]
 */
import { readFile } from 'node:fs/promises'
import { ask, condense } from 'heddle/ai'
import { costLine, openModel } from './provider.ts'

export default async function condenseFiles(...files: readonly string[]): Promise<string> {
  const documents = await Promise.all(
    (files.length > 0 ? files : ['docs/models.md']).map(async (id) => ({ id, text: await readFile(id, 'utf8') })),
  )
  const { model, simulated, close } = await openModel()
  try {
    const { text, levels, parts, references } = await condense(documents, {
      map: (part) => ask(model, `Summarize this in at most three sentences:\n\n${part.text}`, { maxOutputTokens: 120 }),
      reduce: (texts) => ask(model, `Combine these summaries into one:\n\n${texts.join('\n\n')}`, { maxOutputTokens: 300 }),
      maxTokens: 800,
      overlap: 40,
    })
    const origin = `from ${references.length} of ${parts.length} parts, in ${levels} levels`
    return [text, origin, costLine(model.report(), simulated)].join('\n\n')
  } finally {
    await close()
  }
}
