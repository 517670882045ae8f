/** The table of Dask's names: what it says is here is here, and its count is right. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import * as da from '../src/array/index.ts'

test("every function that the table of Dask's names gives exists, and as many rows as it says", () => {
  const page = readFileSync(new URL('../docs/arrays-dask.md', import.meta.url), 'utf8')
  const rows = [...page.matchAll(/^\| `(\w+)` \| (.+) \|$/gm)]
  const claimed = Number(/heddle has (\d+) of them/.exec(page)?.[1])
  expect(rows.length).toBe(claimed)
  expect(claimed).toBeGreaterThanOrEqual(220)
  const missing = rows.flatMap(([, name = '', here = '']) =>
    [...here.matchAll(/`(?:x\.)?([a-z]\w*)[`(]/gi)]
      .map(([, word = '']) => word)
      .filter((word) => !(word in da) && !(word in da.NDArray.prototype) && !['null', 'Infinity', 'NaN'].includes(word))
      .map((word) => `${name}: ${word}`),
  )
  expect(missing).toEqual([])
})
