/** Where everything that heddle itself writes goes out; what the program writes is the program's. */
import { hasColor } from './paint.ts'
import { safeText } from './readable.ts'

export function say(stream: NodeJS.WriteStream, ...lines: readonly string[]): void {
  stream.write(`${lines.map((line) => safeText(line, hasColor(stream))).join('\n')}\n`)
}
