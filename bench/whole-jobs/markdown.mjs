/** A folder of Markdown rendered to HTML, with the library `marked`. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { map, workers } from 'heddle'
import { marked } from 'marked'
import { folderOf, randomFrom, textOf } from './data.mjs'
import { consent } from './program.mjs'

/** @typedef {{ paths: readonly string[], into: string }} Input @typedef {{ path: string, into: string }} Page */

/** Gives how many characters were written. @param {Page} page */
function render({ path, into }) {
  const html = /** @type {string} */ (marked.parse(readFileSync(path, 'utf8')))
  writeFileSync(`${into}${basename(path)}.html`, html)
  return html.length
}

const contained = workers(import.meta.url, { render }, consent(import.meta.url))
export const byHand = { renderAll: (/** @type {Page[]} */ pages) => pages.map(render) }

const pagesOf = (/** @type {Input} */ { paths, into }) => paths.map((path) => ({ path, into }))

/** @type {Record<string, import('./program.mjs').Program<number, Input>>} */
export const programs = {
  'Markdown to HTML': {
    sizes: { small: 150, full: 1_000 },
    prepare(files) {
      const name = (/** @type {number} */ i) => `page-${i}.md`
      const folder = folderOf(`markdown-${files}`, (own) => {
        mkdirSync(`${own}html`)
        for (let i = 0; i < files; i++) writeFileSync(own + name(i), page(i))
      })
      return { paths: Array.from({ length: files }, (_, i) => folder + name(i)), into: `${folder}html/` }
    },
    loop: (input) => pagesOf(input).map(render),
    heddle: (input) => map(pagesOf(input), contained.render),
    byHand: async (input, hand) => (await hand.halves('renderAll', pagesOf(input))).flat(),
    wanted: { overLoop: 1.6 },
  },
}

/** About 12 KB: headings, paragraphs with emphasis and links, lists, a table, code. @param {number} seed */
function page(seed) {
  const random = randomFrom(seed)
  const words = textOf(seed, 12_000).split(/\s+/)
  let at = 0
  const take = (/** @type {number} */ n) => words.slice(at, (at += n))
  const paragraph = () =>
    take(40)
      .map((word, i) => (i % 11 === 0 ? `**${word}**` : i % 17 === 0 ? `[${word}](https://example.org/${word})` : word))
      .join(' ')
  const blocks = [
    () => `## ${take(4).join(' ')}`,
    paragraph,
    () =>
      take(6)
        .map((word) => `- ${word} \`${word}\``)
        .join('\n'),
    () =>
      `| a | b |\n|---|---|\n${take(8)
        .map((word) => `| ${word} | *${word}* |`)
        .join('\n')}`,
    () => `\`\`\`js\nconst ${take(1)[0]} = ${random() % 100}\n\`\`\``,
  ]
  let text = `# Page ${seed}`
  while (at < words.length) text += `\n\n${blocks[random() % blocks.length]()}`
  return text
}
