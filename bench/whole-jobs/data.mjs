/** Data of the programs: made from fixed seeds, files once per size. */
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Numbers from 0 up to, not including, 2^32 (mulberry32). @param {number} seed */
export function randomFrom(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return (t ^ (t >>> 14)) >>> 0
  }
}

/** 1,000 words of 2 to 11 letters: a text of 32 KB then has about 750 different ones. */
const vocabulary = (() => {
  const random = randomFrom(1)
  const letter = () => String.fromCharCode(97 + (random() % 26))
  return Array.from({ length: 1_000 }, () => Array.from({ length: 2 + (random() % 10) }, letter).join(''))
})()

/** A text of about so many bytes, in which few words are frequent and most are rare, as in any language. @param {number} seed @param {number} bytes */
export function textOf(seed, bytes) {
  const random = randomFrom(seed)
  let text = ''
  for (let n = 1; text.length < bytes; n++) {
    const rank = Math.floor(vocabulary.length ** (random() / 2 ** 32))
    text += vocabulary[rank - 1] + (n % 12 === 0 ? '\n' : ' ')
  }
  return `${text}end`
}

/**
 * The folder `name` below the bench's cache, filled at first use. Several processes may ask at once: each fills a folder of its own, and the first one stays.
 * @param {string} name @param {(folder: string) => void} fill
 */
export function folderOf(name, fill) {
  const folder = fileURLToPath(new URL(`../.peers/data/${name}/`, import.meta.url))
  if (existsSync(folder)) return folder
  const own = `${folder.slice(0, -1)}.${process.pid}/`
  mkdirSync(own, { recursive: true })
  fill(own)
  try {
    renameSync(own, folder)
  } catch {
    rmSync(own, { recursive: true })
  }
  return folder
}
