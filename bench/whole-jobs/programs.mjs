/** The programs by name, and the file in which each lies. */
import { programs as byKey } from './by-key.mjs'
import { programs as chain } from './chain.mjs'
import { programs as image } from './image.mjs'
import { programs as jsonLines } from './json-lines.mjs'
import { programs as kMeans } from './k-means.mjs'
import { programs as largeArguments } from './large-arguments.mjs'
import { programs as markdown } from './markdown.mjs'
import { programs as mergeSort } from './merge-sort.mjs'
import { programs as monteCarlo } from './monte-carlo.mjs'
import { programs as queens } from './queens.mjs'
import { programs as quicksort } from './quicksort.mjs'
import { programs as wordCount } from './word-count.mjs'

const files = {
  'word-count.mjs': wordCount,
  'chain.mjs': chain,
  'large-arguments.mjs': largeArguments,
  'merge-sort.mjs': mergeSort,
  'queens.mjs': queens,
  'json-lines.mjs': jsonLines,
  'markdown.mjs': markdown,
  'monte-carlo.mjs': monteCarlo,
  'image.mjs': image,
  'k-means.mjs': kMeans,
  'quicksort.mjs': quicksort,
  'by-key.mjs': byKey,
}

/** @type {Record<string, { file: string, program: string, of: import('./program.mjs').Program }>} */
export const allPrograms = {}
for (const [file, programs] of Object.entries(files)) {
  for (const [program, of] of Object.entries(programs)) allPrograms[program] = { file: `./${file}`, program, of }
}
