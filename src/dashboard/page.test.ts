/** What the page imports runs in a browser: nothing below it may need Node. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

test('no file below the page imports Node', () => {
  const wrong: string[] = []
  const seen = new Set<string>()
  const open = [new URL('page.ts', import.meta.url)]
  for (let file = open.pop(); file; file = open.pop()) {
    if (seen.has(file.href)) continue
    seen.add(file.href)
    const text = readFileSync(fileURLToPath(file), 'utf8')
    for (const [, type, path] of text.matchAll(/^(?:import|export)\s+(type\s)?(?:[\w*{}\s,$]*?\sfrom\s+)?'([^']+)'/gm)) {
      if (type) continue
      if (path?.startsWith('.')) open.push(new URL(path, file))
      else wrong.push(`${file.pathname} imports ${path}`)
    }
  }
  expect(wrong).toEqual([])
  expect(seen.size).toBeGreaterThan(20)
})
