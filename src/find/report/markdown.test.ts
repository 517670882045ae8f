import { expect, test } from 'vitest'
import type { CodeFinding } from '../../findings/finding.ts'
import { markdown } from './markdown.ts'

const finding = (more: Partial<CodeFinding>): CodeFinding => ({
  id: 'a',
  rule: 'await-in-loop',
  tier: 'likely',
  where: 'src/a.ts:3',
  file: 'src/a.ts',
  line: 3,
  column: 1,
  endLine: 3,
  message: 'Two awaits',
  proof: [],
  question: undefined,
  saving: '',
  remedy: 'await Promise.all([…])',
  fix: undefined,
  ...more,
})
const row = (more: Partial<CodeFinding>): string => markdown([finding(more)]).split('\n')[2] ?? ''

test('is a table', () => {
  expect(row({})).toBe('| likely | await-in-loop | `src/a.ts:3` | Two awaits | `await Promise.all([…])` |')
})

test('shows what files and code are called as text: no markup, image, link, mention or further cell', () => {
  expect(row({ file: '<img src=x onerror=alert(1)>.ts' })).toContain('`<img src=x onerror=alert(1)>.ts:3`')
  expect(row({ file: '`<b>`.ts' })).toContain('`` `<b>`.ts:3 ``')
  expect(row({ message: '![](http://attacker.example/x.png) [a](javascript:alert(1)) <script> @everyone' })).toContain(
    String.raw`| \!\[\](http://attacker.example/x.png) \[a\](javascript:alert(1)) &#60;script&#62; &#64;everyone |`,
  )
  expect(row({ message: 'a | b', file: 'a|b.ts', remedy: 'x\n| y' }).match(/(?<!\\)\|/g)).toHaveLength(6)
})
