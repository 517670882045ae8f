/**
 * The rules of `heddle find` for ESLint 9 and 10, and for oxlint by its `jsPlugins`, so that editors show them.
 *
 * @module heddle/eslint
 */

import { dirname } from 'node:path'
import type { Edit, CodeFinding } from '../findings/finding.ts'
import { Analysis, rules as all } from './analysis.ts'
import { workspaceOf } from './files.ts'

/** As much of ESLint as the plugin touches. */
interface Context {
  readonly filename: string
  readonly cwd?: string
  readonly sourceCode: { readonly text: string }
  readonly options: readonly unknown[]
  report(problem: Problem): void
}

interface Fixer {
  replaceTextRange(range: readonly [number, number], text: string): unknown
}

interface Problem {
  readonly loc: { readonly start: Position; readonly end: Position }
  readonly message: string
  readonly fix?: (fixer: Fixer) => unknown
  readonly suggest?: readonly { readonly desc: string; readonly fix: (fixer: Fixer) => unknown }[]
}

interface Position {
  readonly line: number
  readonly column: number
}

interface LintRule {
  readonly meta: Readonly<Record<string, unknown>>
  create(context: Context): Readonly<Record<string, () => void>>
}

/** A file is analysed once for all rules, and again when an editor has changed it. */
let last: { readonly filename: string; readonly text: string; readonly findings: readonly CodeFinding[] } | undefined

/**
 * Files that are linted one after the other share what is known of the others. After a pause that is forgotten, because an editor keeps the process
 * for days while files change. The pause was chosen: a run over many files never rests as long.
 */
const forgetAfterMs = 2_000
let shared: { readonly root: string; readonly analysis: Analysis; readonly seen: Set<string> } | undefined
let usedAt = 0

function analysisFor(root: string, filename: string): Analysis {
  const now = performance.now()
  if (!shared || shared.root !== root || shared.seen.has(filename) || now - usedAt > forgetAfterMs) {
    shared = { root, analysis: new Analysis(root, workspaceOf(root)), seen: new Set() }
  }
  usedAt = now
  shared.seen.add(filename)
  return shared.analysis
}

function findingsOf({ filename, cwd, sourceCode: { text } }: Context): readonly CodeFinding[] {
  if (last?.filename === filename && last.text === text) return last.findings
  const root = cwd ?? dirname(filename)
  const found = analysisFor(root, filename).findIn(filename, text)
  last = { filename, text, findings: 'reason' in found ? [] : found }
  return last.findings
}

function lintRule(name: string): LintRule {
  return {
    meta: {
      type: 'suggestion',
      fixable: 'code',
      hasSuggestions: true,
      docs: { description: `heddle find: ${name}` },
      schema: [{ type: 'object', properties: { tier: { enum: ['proven', 'likely'] } }, additionalProperties: false }],
    },
    create(context) {
      const [{ tier: least = 'likely' } = {}] = context.options as [{ tier?: string }?]
      return {
        Program() {
          for (const finding of findingsOf(context)) {
            if (finding.rule !== name || finding.tier === 'info' || (least === 'proven' && finding.tier !== 'proven')) continue
            context.report(problem(finding))
          }
        },
      }
    },
  }
}

/** What is proven is fixed by `eslint --fix`; what is likely is a suggestion that a person takes. */
function problem({ line, column, endLine, message, question, remedy, tier, fix }: CodeFinding): Problem {
  const edit = fix && ((fixer: Fixer) => fix.map(({ start, end, text }: Edit) => fixer.replaceTextRange([start, end], text)))
  const text = [message, question, `Instead: ${remedy}`].filter((part) => part !== undefined).join('. ')
  const loc = { start: { line, column: column - 1 }, end: { line: endLine, column: endLine === line ? column : 0 } }
  if (!edit) return { loc, message: text }
  return tier === 'proven' ? { loc, message: text, fix: edit } : { loc, message: text, suggest: [{ desc: remedy, fix: edit }] }
}

const rules: Readonly<Record<string, LintRule>> = Object.fromEntries(all.map(({ name }) => [name, lintRule(name)]))

const plugin = {
  meta: { name: 'heddle' },
  rules,
  configs: {} as Readonly<Record<'recommended', object>>,
}

/**
 * For `eslint.config.js`: `import heddle from 'heddle/eslint'; export default [heddle.configs.recommended]`.
 */
export default Object.assign(plugin, {
  configs: {
    recommended: {
      name: 'heddle/recommended',
      plugins: { heddle: plugin },
      rules: Object.fromEntries(all.map(({ name }) => [`heddle/${name}`, 'warn'])),
    },
  },
})
