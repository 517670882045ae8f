/** `heddle explain-finding ID [PATHS]`: all that is known of one finding of `heddle find`, and its rewrite. */
import { readFileSync } from 'node:fs'
import { withoutSecrets } from '../../base/secrets.ts'
import type { Invocation } from '../interface/command-spec.ts'
import { exitCodes } from '../interface/exit-codes.ts'
import { UsageError } from '../interface/usage-error.ts'
import { forbidColor, type Paint, paint } from '../terminal/paint.ts'
import { readable } from '../../base/readable.ts'
import { say, sayJson } from '../terminal/say.ts'
import { findingText } from './find.ts'

const tierWords = {
  proven: 'Everything that this code calls is known, and nothing conflicts.',
  likely: 'One question is open. If the answer is no, the rewrite keeps the meaning.',
  info: 'Too much is unknown to suggest a change, or the order is kept on purpose.',
} as const

export async function command({ positionals, options }: Invocation): Promise<number> {
  if (options['no-color'] === true) forbidColor()
  const [id = '', ...paths] = positionals
  const { edited, find } = await import('../../find/index.ts')
  const { findings } = await find(paths.length > 0 ? paths : ['.'])
  const found = findings.filter((finding) => finding.id === id)
  if (found.length === 0) {
    throw new UsageError(`No finding ${JSON.stringify(id)} here: it may have been fixed, or be in another folder`, {
      hint: 'heddle find --all --json lists all findings and their identities',
    })
  }
  if (options.json === true) {
    sayJson(process.stdout, JSON.stringify(found, null, 2))
    return exitCodes.ok
  }
  const colors = paint(process.stdout)
  for (const finding of found) {
    const text = readFileSync(finding.file, 'utf8')
    const lines = [findingText(finding, colors).trimEnd(), `  ${tierWords[finding.tier]}`]
    if (finding.fix) lines.push('  the rewrite:', ...difference(text, edited(text, [finding.fix]).text, colors))
    say(process.stdout, `${lines.join('\n')}\n`)
  }
  return exitCodes.ok
}

/** The lines that change: what is equal at both ends is left out. */
function difference(before: string, after: string, paint: Paint): string[] {
  const [old, now] = [before.split('\n'), after.split('\n')]
  let from = 0
  while (from < old.length && old[from] === now[from]) from++
  let back = 0
  while (back < Math.min(old.length, now.length) - from && old.at(-1 - back) === now.at(-1 - back)) back++
  const line = (text: string): string => readable(withoutSecrets(text))
  return [
    ...old.slice(from, old.length - back).map((text) => `  ${paint.red(`- ${line(text)}`)}`),
    ...now.slice(from, now.length - back).map((text) => `  ${paint.green(`+ ${line(text)}`)}`),
  ]
}
