/** Where everything that heddle itself writes goes out; what the program writes is the program's. */
import { hasColor } from './paint.ts'
import { safeJsonText, safeText } from '../../base/readable.ts'
import { columnsOf, wrapLine } from './wrap.ts'

export function say(stream: NodeJS.WriteStream, ...lines: readonly string[]): void {
  const columns = columnsOf(stream)
  const safe = safeText(lines.join('\n'), hasColor(stream))
  const fitting =
    columns === Infinity
      ? safe
      : safe
          .split('\n')
          .flatMap((line) => wrapLine(line, columns))
          .join('\n')
  stream.write(`${fitting}\n`)
}

/** A document for programs: never broken into lines. */
export function sayJson(stream: NodeJS.WriteStream, json: string): void {
  stream.write(`${safeJsonText(json)}\n`)
}
