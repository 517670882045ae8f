/** Real text through both cores: passages of about 4 KB from the Markdown that the install put on this machine. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { map } from 'heddle'
import { countWords as consenting } from './workers/consenting.mjs'
import { openByHand } from './workers/hand.mjs'
import { countWords as counted } from './workers/heddle.mjs'
import { peers } from './workers/peers.mjs'
import { countWords } from './workers/plain.mjs'

const passages = realPassages(20_000, 4_096)

function realPassages(/** @type {number} */ count, /** @type {number} */ size) {
  const files = markdownIn(fileURLToPath(new URL('../node_modules/', import.meta.url))).sort()
  const text = files.map((file) => readFileSync(file, 'utf8')).join('\n')
  // The offset moves on by a prime, so that passages that come round again are cut elsewhere.
  return Array.from({ length: count }, (_, i) => {
    const at = (i * 3_989) % (text.length - size)
    return text.slice(at, at + size)
  })
}

/** `recursive` of `readdir` follows links, and the one of this package leads round and round. @returns {string[]} */
function markdownIn(/** @type {string} */ folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return markdownIn(path)
    return entry.isFile() && /\.md$/i.test(entry.name) ? [path] : []
  })
}

/** @type {import('./harness/measure.mjs').Bench} */
export default {
  about: `${passages.length.toLocaleString('en')} real passages of 4 KB, tokenised and counted`,
  unit: 'ms',
  reference: 'loop',
  rounds: 5,
  warmups: 1,
  contenders: {
    loop: () => ({ run: () => passages.map((text) => countWords(text)) }),
    heddle: () => ({ run: () => map(passages, counted) }),
    'heddle, consenting': () => ({ run: () => map(passages, consenting) }),
    'by hand': async () => {
      const hand = await openByHand()
      return { run: () => hand.map('countWords', passages), close: hand.close }
    },
    piscina: async () => {
      const { call, close } = await /** @type {NonNullable<typeof peers.piscina>} */ (peers.piscina)('countWords', 10)
      return { run: () => Promise.all(passages.map((text) => call(text))), close }
    },
  },
  check(/** @type {number[]} */ results) {
    if (results.length !== passages.length || results[7] !== countWords(/** @type {string} */ (passages[7])))
      throw new Error('wrong results')
  },
  targets: (results) => [
    { what: 'heddle / loop', got: results.ratio('heddle', 'loop'), atMost: 1 / 1.85 },
    { what: 'heddle, consenting / loop', got: results.ratio('heddle, consenting', 'loop'), atMost: 1 / 1.85 },
    { what: 'heddle / by hand', got: results.ratio('heddle', 'by hand'), atMost: 1.1 },
    { what: 'heddle / piscina', got: results.ratio('heddle', 'piscina'), atMost: 1 / 1.2 },
  ],
}
