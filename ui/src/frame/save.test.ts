import { expect, test } from 'vitest'
import { fileName } from './save.ts'

test.each([
  ['examples/documents/main.ts', 'main.ts'],
  ['C:\\work\\build.ts', 'build.ts'],
  ['../../etc/passwd', 'passwd'],
  ['über uns.ts', 'über-uns.ts'],
  ['<script>alert(1)</script>', 'script'],
  ['..', 'trace'],
  ['', 'trace'],
])('a trace of %s is saved as %s', (name, file) => {
  expect(fileName(name)).toBe(file)
})
