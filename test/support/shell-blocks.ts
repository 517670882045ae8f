/** The shell commands and other code of Markdown pages. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface ShownCommand {
  /** `docs/page.md:12`. */
  readonly place: string
  readonly command: string
}

/** Blocks marked as shell, line by line, without their comments; a line that ends in a backslash goes on. */
export function shellCommands(root: string, pages: readonly string[]): ShownCommand[] {
  return blocks(root, pages, /^```(?:sh|bash)\n([^]*?)^```/gm).flatMap(({ place, line, text }) =>
    text
      .replaceAll('\\\n', '')
      .split('\n')
      .map((raw, i) => ({ place: `${place}:${line + i}`, command: raw.replace(/\s+#.*$/, '').trim() }))
      .filter(({ command }) => command !== '' && !command.startsWith('#')),
  )
}

/** Calls of heddle inside sentences. */
export function inlineCommands(root: string, pages: readonly string[]): ShownCommand[] {
  return blocks(root, pages, /`((?:npx |yarn )?heddle [^`\n]*)`/g).map(({ place, line, text }) => ({
    place: `${place}:${line}`,
    command: text.replace(/^npx |^yarn /, ''),
  }))
}

/** Code blocks in another language than TypeScript. */
export function codeBlocks(root: string, pages: readonly string[], language: string): (ShownCommand & { text: string })[] {
  const fence = new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, 'gm')
  return blocks(root, pages, fence).map(({ place, line, text }) => ({ place: `${place}:${line}`, command: '', text }))
}

function blocks(root: string, pages: readonly string[], pattern: RegExp) {
  return pages.flatMap((place) => {
    const page = readFileSync(join(root, place), 'utf8')
    return [...page.matchAll(pattern)].map(({ 0: all, 1: text = '', index }) => ({
      place,
      line: page.slice(0, index).split('\n').length + (all.startsWith('```') ? 1 : 0),
      text,
    }))
  })
}

/** A way of writing a command, not one: with words in capitals, choices, or parts that may be left out. */
export function isSynopsis(command: string): boolean {
  return /\b(?:FILE|PATHS|URL|NAME|FOLDER|ID|RUN|WORKER)\b|\[[a-z]+\]|…/.test(command) || / \| (?!head|tail|sh\b)/.test(command)
}
