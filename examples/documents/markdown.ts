/** Finds Markdown files, and takes the prose out of them. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { map } from 'heddle'

/**
 * Every `.md` file below the folder, the largest first: begun last, a large one would be at work alone in the end. Equal ones by name, so
 * that two runs work on the same list.
 */
export async function markdownFiles(folder: string): Promise<string[]> {
  const paths = await search(folder)
  // A link to nowhere has no size; reading it will say why.
  const sized = await map(paths, async (path) => ({ path, bytes: (await stat(path).catch(() => undefined))?.size ?? 0 }))
  return sized.sort((a, b) => b.bytes - a.bytes || (a.path < b.path ? -1 : 1)).map(({ path }) => path)
}

async function search(folder: string): Promise<string[]> {
  const found: string[] = []
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory() && entry.name !== '.git') found.push(...(await search(path)))
    else if (!entry.isDirectory() && /\.(md|markdown)$/i.test(entry.name)) found.push(path)
  }
  return found
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
