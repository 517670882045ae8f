import { expect, test } from 'vitest'
import { counterparts } from './support/counterparts.ts'

const native = counterparts('native')

test.skipIf(!native)('counterparts load from the cache', async () => {
  const sharp = native?.require('sharp') as (input: object) => { raw(): { toBuffer(): Promise<Buffer> } }
  const pixels = await sharp({ create: { width: 2, height: 3, channels: 3, background: 'white' } })
    .raw()
    .toBuffer()
  expect(pixels.length).toBe(2 * 3 * 3)
})
