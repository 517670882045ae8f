/** Colours of one stream: none unless it is a terminal that takes them. */
const codes = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
  cyan: [36, 39],
} as const

export type Paint = Readonly<Record<keyof typeof codes, (text: string) => string>>

let forbidden = false

/** `--no-color`. */
export function forbidColor(): void {
  forbidden = true
}

/** Whether a stream takes colours: `NO_COLOR` and `FORCE_COLOR` win over what the stream is (no-color.org). */
export function hasColor(stream: NodeJS.WriteStream, env = process.env): boolean {
  if (forbidden || (env.NO_COLOR !== undefined && env.NO_COLOR !== '')) return false
  if (env.FORCE_COLOR !== undefined) return env.FORCE_COLOR !== '0' && env.FORCE_COLOR !== 'false'
  return stream.isTTY === true && env.TERM !== 'dumb'
}

export function paint(stream: NodeJS.WriteStream): Paint {
  const on = hasColor(stream)
  return Object.fromEntries(
    Object.entries(codes).map(([name, [open, close]]) => [
      name,
      (text: string) => (on ? `\u001B[${open}m${text}\u001B[${close}m` : text),
    ]),
  ) as Paint
}
