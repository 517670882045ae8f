/**
 * Effects that people declare: a comment at a function, or the settings of a project.
 *
 *     // @effects read db.users, write net.mail
 *     "heddle": { "effects": { "audit.log": "none", "@acme/mail#send": "write net.mail" } }     // in package.json
 *
 * A declaration is a list of `read PLACE` and `write PLACE`, or `none`, or `ordered` for what must keep its place. The first word of a place
 * is `fs`, `net`, `db`, `process` or `console`; what follows narrows it.
 */
import type { Known } from './known.ts'

const roots = new Set(['fs', 'net', 'db', 'process', 'console', 'clock', 'random'])

/** @returns undefined for what is not a declaration: a typing error must not count as knowledge */
export function parseEffects(text: string): Known | undefined {
  const parts = text
    .split(/[,;]/)
    .map((part) => part.trim())
    .filter((part) => part !== '')
  if (parts.length === 0) return undefined
  const [reads, writes]: [string[], string[]] = [[], []]
  let ordered: string | undefined
  let verb: string | undefined
  for (const part of parts) {
    if (part === 'none' || part === 'pure') continue
    if (part === 'ordered') {
      ordered = 'its declaration says so'
      continue
    }
    const [first = '', second] = part.split(/\s+/)
    const place = second ?? first
    if (second !== undefined) verb = /^reads?$/.test(first) ? 'read' : /^writes?$/.test(first) ? 'write' : undefined
    if (!verb || !roots.has(place.split('.')[0] ?? '')) return undefined
    if (verb === 'read') reads.push(`@${place}`)
    else writes.push(`@${place}`)
  }
  return { reads, writes, waits: true, throws: true, ...(ordered && { ordered }) }
}

const marker = /@effects\s+([^\n*]+)/

/** What the comment right before `offset` declares. */
export function declaredBefore(text: string, offset: number): Known | undefined {
  const before = text.slice(Math.max(0, offset - 2_000), offset).trimEnd()
  const comment = before.endsWith('*/') ? before.slice(before.lastIndexOf('/*')) : (/\/\/[^\n]*$/.exec(before)?.[0] ?? '')
  const declared = marker.exec(comment)?.[1]
  return declared === undefined ? undefined : parseEffects(declared.replace(/\*\/$/, '').trim())
}

/** Declarations by what the source or the module calls a function: `audit.log`, `@acme/mail#send`. */
export type Declarations = ReadonlyMap<string, Known>

/** `declared` is the `heddle.effects` of a package.json. What cannot be understood is handed to `warn`. */
export function declarationsOf(declared: unknown, warn: (line: string) => void): Declarations {
  const found = new Map<string, Known>()
  if (typeof declared !== 'object' || declared === null) return found
  for (const [name, text] of Object.entries(declared)) {
    const known = typeof text === 'string' ? parseEffects(text) : undefined
    if (known) found.set(name, known)
    else
      warn(
        `heddle.effects: ${JSON.stringify(name)} is not understood; expected for example "read db.users, write net.mail", "none" or "ordered", got ${JSON.stringify(text)}`,
      )
  }
  return found
}
