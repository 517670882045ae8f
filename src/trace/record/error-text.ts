import { describe } from '../../base/errors.ts'
import { withoutSecrets } from '../../base/secrets.ts'
import type { TraceError } from '../model/trace.ts'

const stackMax = 4_000
const messageMax = 2_000
const secretAtMost = 8_192
/** How many errors keep their stack, and how many their message: a million failures must not fill the memory. */
const withStack = 2_000
const withMessage = 50_000

/** The errors of a trace, as JSON: everything of the first ones, less of later ones, and it says so. */
export class ErrorTexts {
  #seen = 0

  of(error: unknown): string {
    this.#seen++
    const { stack, ...summary } = summarise(error)
    if (this.#seen > withMessage) summary.message = `message left out after ${withMessage} errors`
    return JSON.stringify(stack !== undefined && this.#seen <= withStack ? { ...summary, stack } : summary)
  }
}

type Summary = { -readonly [K in keyof TraceError]: TraceError[K] }

/** What an error says, cut and without secrets. Never throws. */
export function summarise(error: unknown): Summary {
  try {
    return summaryOf(error)
  } catch {
    // An error may have getters that throw.
    return { name: 'Error', message: 'an error that cannot be read' }
  }
}

function summaryOf(error: unknown): Summary {
  if (typeof error !== 'object' || error === null || !('message' in error))
    return { name: 'Thrown', message: withoutSecrets(describe(error)) }
  const { name, message, code, stack } = error as Record<string, unknown>
  return {
    name: typeof name === 'string' ? clip(name, 100) : 'Error',
    message: clip(String(message), messageMax),
    ...(typeof code === 'string' && { code: clip(code, 100) }),
    ...(typeof stack === 'string' && { stack: clip(stack, stackMax) }),
  }
}

/** Without secrets, because traces are passed on. Says how much it leaves out. */
function clip(text: string, max: number): string {
  // Cut far behind what is kept, so that no secret is cut in half and not known any more.
  const clean = withoutSecrets(text.slice(0, 2 * max + secretAtMost)).slice(0, max)
  return text.length <= max ? clean : `${clean}… (${text.length - max} more characters)`
}
