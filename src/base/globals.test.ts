import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const sources = fileURLToPath(new URL('../', import.meta.url))
/** The command and the page are programs of their own: nobody puts fake timers there. */
const folders = 'base|limits|sync|graph|checkpoint|run|stream|patterns|workers|ai|trace|array'
const taken = ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'setImmediate', 'clearImmediate', 'queueMicrotask', 'performance'] // prettier-ignore

test('no file reads timers and clocks from the global object', () => {
  const files = readdirSync(sources, { recursive: true, encoding: 'utf8' }).filter(
    (file) =>
      new RegExp(`^(${folders})/.*\\.(ts|js)$`).test(file) &&
      !/\.(test|fixture|conformance|reference|arbitrary)\.|globals\.js/.test(file),
  )
  expect(files.length).toBeGreaterThan(150)
  const found = files.flatMap((file) => {
    const text = readFileSync(`${sources}${file}`, 'utf8')
    const imported = /import \{([^}]*)\} from '[^']*globals\.js'/.exec(text)?.[1] ?? ''
    const code = text.replaceAll(/\/\*[\s\S]*?\*\/|(^|\s)\/\/.*|^import .*$/gm, '')
    return taken
      .filter((name) => new RegExp(`(?<![\\w.#$'"\`])${name}\\b(?!:)`).test(code) && !new RegExp(`\\b${name}\\b`).test(imported))
      .map((name) => `${file} reads ${name}; import it from base/globals.js`)
  })
  expect(found).toEqual([])
})
