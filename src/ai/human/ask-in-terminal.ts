/** Questions and decisions in a terminal, one after the other. What strangers wrote is shown without what would drive the terminal. */
import { createInterface } from 'node:readline'
import { messageOf } from '../../base/look.js'
import { readable } from '../../base/readable.ts'
import { checkOptions, rules } from '../../base/options.ts'
import type { Decision, Inbox, OpenQuestion } from './inbox.ts'
import { draftText } from './page.ts'

/** Options of {@link askInTerminal}. */
export interface TerminalOptions {
  /** @default standard input */
  readonly input?: NodeJS.ReadableStream
  /** @default standard error, so that what the program prints stays apart */
  readonly output?: NodeJS.WritableStream
}

/**
 * Shows the questions of an inbox in the terminal and takes decisions: `a` approves, `r` rejects, with a reason behind it if there is one, `e` takes the
 * lines that follow, up to one with a single dot, in place of the draft.
 *
 * @returns what ends that
 * @throws {InvalidOption} for a wrong option
 *
 * @example
 * const stop = askInTerminal(inbox)
 * const { decision } = await inbox.ask({ id: 'deploy', text: 'Deploy to production?' })
 * stop()
 */
export function askInTerminal(inbox: Inbox, options: TerminalOptions = {}): () => void {
  checkOptions<TerminalOptions>(options, { input: rules.object, output: rules.object }, 'askInTerminal')
  const { input = process.stdin, output = process.stderr } = options
  const prompt = new Prompt(inbox, output)
  const lines = createInterface({ input, crlfDelay: Infinity })
  lines.on('line', (line) => prompt.line(line))
  const stop = inbox.onChange(() => prompt.show())
  prompt.show()
  return () => {
    stop()
    lines.close()
  }
}

class Prompt {
  readonly #inbox: Inbox
  readonly #output: NodeJS.WritableStream
  #shown: OpenQuestion | undefined
  /** The lines that take the place of the draft, while they are written. */
  #edited: string[] | undefined
  #busy = false

  constructor(inbox: Inbox, output: NodeJS.WritableStream) {
    this.#inbox = inbox
    this.#output = output
  }

  /** The next question, unless the one at hand is still open. */
  show(): void {
    const { open } = this.#inbox
    if (this.#busy || (this.#shown && open.some(({ key }) => key === this.#shown?.key))) return
    const [next] = open
    this.#shown = next
    this.#edited = undefined
    if (!next) return
    const draft = next.draft === undefined ? '' : `\n${indented(readable(draftText(next.draft)))}\n`
    const keys = next.draft === undefined ? 'a approve · r [why] reject' : 'a approve · e edit · r [why] reject'
    this.#say(`\n? ${readable(next.text)}\n${draft}  ${keys}`)
  }

  line(line: string): void {
    const shown = this.#shown
    if (!shown || this.#busy) return
    if (this.#edited) return this.#editLine(line, this.#edited, shown)
    const [, key = '', note = ''] = /^ *([a-z])(?: +(.*))?$/i.exec(line) ?? []
    if (key === 'a') this.#decide(shown, { decision: 'approve' })
    else if (key === 'r') this.#decide(shown, { decision: 'reject', ...(note !== '' && { note }) })
    else if (key === 'e' && shown.draft !== undefined) {
      this.#edited = []
      this.#say('  write it anew; a line with a single dot ends it')
    } else this.#say('  a, r or e')
  }

  #editLine(line: string, edited: string[], shown: OpenQuestion): void {
    if (line !== '.') return void edited.push(line)
    this.#edited = undefined
    const value = valueOf(edited.join('\n'), shown.draft)
    if (value === undefined) this.#say('  not JSON; e edits again')
    else this.#decide(shown, { decision: 'edit', value })
  }

  #decide({ key }: OpenQuestion, decision: Decision): void {
    this.#busy = true
    this.#inbox
      .answer(key, decision)
      .then(
        (counted) => this.#say(counted ? `  recorded: ${decision.decision}` : '  it was decided elsewhere'),
        (error: unknown) => this.#say(`  not recorded: ${readable(messageOf(error))}`),
      )
      .finally(() => {
        this.#busy = false
        this.#shown = undefined
        this.show()
      })
  }

  #say(text: string): void {
    this.#output.write(`${text}\n`)
  }
}

/** Undefined where a draft that is not a text would stop being JSON. */
function valueOf(text: string, draft: unknown): unknown {
  if (typeof draft === 'string') return text
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

function indented(text: string): string {
  return text
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n')
}
