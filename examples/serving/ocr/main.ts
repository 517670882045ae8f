/**
 * Reads the text in all pictures of a folder.
 *
 *     npx heddle run examples/serving/ocr/main.ts scans
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { map } from 'heddle'
import { find, read } from './models.ts'

export default async function ocr(folder = '.'): Promise<string> {
  const names = (await readdir(folder)).filter((name) => /\.(png|jpe?g|webp|tiff?)$/i.test(name)).toSorted()
  try {
    // Lines of one picture are read while others are looked for in the next ones.
    const texts = await map(
      names,
      async (name) => {
        const lines = await find(join(folder, name))
        const found = await map(lines, (line) => read(line))
        return found.filter((text) => text !== '').join('\n')
      },
      { concurrency: 8 },
    )
    return names.map((name, i) => `${name}\n${texts[i] === '' ? '(no text)' : texts[i]}`).join('\n\n')
  } finally {
    await Promise.all([find.close(), read.close()])
  }
}
