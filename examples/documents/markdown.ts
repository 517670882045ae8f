/** Finds Markdown files, and takes the prose out of them. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Every `.md` file below the folder, sorted, so that two runs work on the same list. */
export async function markdownFiles(folder: string): Promise<string[]> {
  const found: string[] = []
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory() && entry.name !== '.git') found.push(...(await markdownFiles(path)))
    else if (!entry.isDirectory() && /\.(md|markdown)$/i.test(entry.name)) found.push(path)
  }
  return found.sort()
}

/** The text that a person would read: no code, markup, tables of links or HTML. */
export async function readProse(path: string): Promise<string> {
  const source = await readFile(path, 'utf8')
  return (
    source
      .replace(/^---\n[\s\S]*?\n---\n/, '')
      .replace(/^(```|~~~)[\s\S]*?^\1/gm, '\n')
      .replace(/<!--[\s\S]*?-->|<[^>\n]*>/g, ' ')
      .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replace(/^\s*\[[^\]]+\]:.*$/gm, '')
      .replace(/^\s*\|.*$/gm, '')
      .replace(/`([^`]*)`/g, '$1')
      .replace(/https?:\S+/g, '')
      // Headings and points of a list are sentences of their own.
      .replace(/^\s*(#+|[-*+]|\d+\.)\s+(.*)$/gm, '\n\n$2\n')
      .replace(/^>\s?|[*_]{1,3}/gm, '')
      .trim()
  )
}
