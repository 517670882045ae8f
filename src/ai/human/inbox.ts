/**
 * Questions to people, and what they decide. A question is recorded before anybody hears of it, a decision before whoever gave it is told that it
 * counts; so a program that dies in between, once or fifty times, asks nothing twice and forgets no decision, however many days it takes.
 *
 * A question is known by its id and by what it shows: after a change of the text or the draft it is another question, and an old approval
 * does not count for it.
 */
import { createHash } from 'node:crypto'
import { Cancellation, cancelled } from '../../base/abort.ts'
import { Closed, describe, InvalidOption, Overflow } from '../../base/errors.ts'
import { currentFrame } from '../../base/frame.ts'
import { checkOptions, rules } from '../../base/options.ts'
import { type Journal, openJournal } from '../../checkpoint/index.ts'
import { emit } from '../events/events.ts'

/** A question to people. */
export interface InboxQuestion {
  /** What it is about, in the program's words; equal questions with one id are one question. */
  readonly id: string
  /** What people read. */
  readonly text: string
  /** What is to be approved, edited or rejected: a text, or anything that JSON can hold. @default none */
  readonly draft?: unknown
}

/** What a person decided. */
export interface Decision {
  readonly decision: 'approve' | 'edit' | 'reject'
  /** With `'edit'`: what takes the place of the draft. */
  readonly value?: unknown
  /** Why; what a model is told after a rejection. */
  readonly note?: string
  /** Who. */
  readonly by?: string
}

/** A question that nobody has decided yet. */
export interface OpenQuestion extends InboxQuestion {
  /** What {@link Inbox.answer} takes. */
  readonly key: string
  /** Milliseconds since 1970. */
  readonly askedAt: number
}

/** Options of {@link openInbox}. */
export interface InboxOptions {
  /**
   * Called once for each new question, after it is recorded: to send a message to somebody. What it throws is a warning: the question is listed all the
   * same. After a crash it is not called again. @default nobody is told
   */
  readonly notify?: (question: OpenQuestion) => unknown
}

interface Waiting {
  readonly question: OpenQuestion
  readonly decide: (decision: Decision) => void
  readonly recorded: Promise<Decision>
  readers: number
}

/** More people than that are not asked. */
const mostOpen = 10_000
/** Characters of a question with its draft, as JSON. */
const longest = 1_000_000

/** Where programs ask and people answer; {@link openInbox} opens one. */
export class Inbox implements AsyncDisposable {
  readonly #journal: Journal
  readonly #notify: InboxOptions['notify']
  readonly #waiting = new Map<string, Waiting>()
  readonly #listeners = new Set<() => void>()
  #closed = false

  /** @internal Use {@link openInbox}. */
  constructor(journal: Journal, { notify }: InboxOptions) {
    this.#journal = journal
    this.#notify = notify
  }

  /** Questions that wait for somebody, the oldest first. */
  get open(): readonly OpenQuestion[] {
    return [...this.#waiting.values()].map(({ question }) => question)
  }

  /**
   * Asks, and waits for the decision: as long as it takes, also across restarts of the program. A question that was decided before is not asked
   * again. Cancelling the task or the signal ends the wait; the question stays asked, and is listed again when it is asked again.
   *
   * @throws {InvalidOption} for a question without id or text, or a draft that JSON cannot hold @throws {Cancelled} @throws {Closed}
   * @throws {Overflow} when too many questions are open
   */
  async ask(question: InboxQuestion, { signal }: { readonly signal?: AbortSignal } = {}): Promise<Decision> {
    const key = keyOf(question)
    if (this.#closed) throw new Closed('The inbox was closed')
    const answered = this.#journal.at('answered')
    if (answered.has(key)) return answered.value(key) as Decision
    const waiting = this.#waiting.get(key) ?? (await this.#open(key, question))
    emit({ type: 'question', id: question.id, text: question.text })
    waiting.readers++
    const cancellation = new Cancellation(currentFrame().cancellation, Cancellation.of(signal))
    try {
      const decision = await new Promise<Decision>((resolve, reject) => {
        cancellation.subscribe((reason) => reject(cancelled(reason, 'The wait for a decision')))
        waiting.recorded.then(resolve, reject)
      })
      emit({ type: 'answer', id: question.id, decision: decision.decision })
      return decision
    } finally {
      if (--waiting.readers === 0) this.#forget(key)
      cancellation.close()
    }
  }

  /**
   * A person has decided. Resolves when that is recorded and cannot be lost.
   * @param key of the question @returns false when the question is not open: it was decided before, or nobody asks it now
   * @throws {InvalidOption} for what is not a decision
   */
  async answer(key: string, decision: Decision): Promise<boolean> {
    checkDecision(decision)
    const waiting = this.#waiting.get(key)
    if (!waiting) return false
    waiting.decide(decision)
    // Of two that decide at once the first counts.
    return (await waiting.recorded) === decision
  }

  /** Calls the listener whenever questions come or go; gives what ends that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Takes no more questions and decisions. Open questions are listed again when a program opens the inbox and asks them. */
  async close(): Promise<void> {
    this.#closed = true
    this.#waiting.clear()
    this.#changed()
    await this.#journal.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #open(key: string, question: InboxQuestion): Promise<Waiting> {
    if (this.#waiting.size >= mostOpen) throw new Overflow(`${mostOpen} questions wait for an answer already`)
    let isNew = false
    const { askedAt } = await this.#journal.at('asked').step(key, () => {
      isNew = true
      return { askedAt: Date.now() }
    })
    const known = this.#waiting.get(key)
    if (known) return known
    const { id, text, draft } = question
    const shown = { key, id, text, ...(draft !== undefined && { draft }), askedAt }
    const waiting = this.#wait(shown)
    this.#waiting.set(key, waiting)
    this.#changed()
    if (isNew && this.#notify) this.#tell(shown)
    return waiting
  }

  /** Not a step: a wait that was left must not keep the next one from waiting. */
  #wait(question: OpenQuestion): Waiting {
    let decide: (decision: Decision) => void = () => {}
    const decided = new Promise<Decision>((resolve) => (decide = resolve))
    const recorded = decided.then(async (decision) => {
      await this.#journal.at('answered').record(question.key, decision).durable
      return decision
    })
    // The caller that asked may have left before.
    recorded.then(
      () => this.#forget(question.key),
      () => this.#forget(question.key),
    )
    return { question, decide, recorded, readers: 0 }
  }

  #tell(question: OpenQuestion): void {
    Promise.resolve(question)
      .then(this.#notify)
      .catch((error: unknown) => process.emitWarning(`notify of the inbox failed: ${describe(error)}`, 'HeddleWarning'))
  }

  #forget(key: string): void {
    if (this.#waiting.delete(key)) this.#changed()
  }

  #changed(): void {
    for (const listener of this.#listeners) listener()
  }
}

/**
 * Opens the inbox that is kept in the file at `path`, or begins one there.
 *
 * @throws {InvalidOption} for a wrong option @throws {JournalRefused} when another program has it open, or it is damaged
 *
 * @example
 * await using inbox = await openInbox('approvals.jsonl')
 * await using page = await serveInbox(inbox)
 * const { decision } = await inbox.ask({ id: 'release-7', text: 'Publish release 7?', draft: notes })
 */
export async function openInbox(path: string, options: InboxOptions = {}): Promise<Inbox> {
  checkOptions<InboxOptions>(options, { notify: rules.function }, 'openInbox')
  return new Inbox(await openJournal(path, { program: 'inbox' }), options)
}

function keyOf(question: InboxQuestion): string {
  checkOptions<InboxQuestion>(question, { id: rules.string, text: rules.string, draft: rules.any }, 'a question')
  const { id, text, draft } = question
  if (id === undefined || text === undefined) throw new InvalidOption('Expected a question to have an `id` and a `text`')
  let shown: string
  try {
    shown = JSON.stringify([text, draft])
  } catch (cause) {
    throw new InvalidOption('Expected the draft of a question to be what JSON can hold', { cause })
  }
  if (shown.length > longest)
    throw new InvalidOption(`Expected a question to have at most ${longest} characters, got ${shown.length}`)
  return `${id}:${createHash('sha256').update(shown).digest('hex').slice(0, 16)}`
}

function checkDecision(decision: Decision): void {
  if (typeof decision !== 'object' || decision === null) throw new InvalidOption(`Expected a decision, got ${describe(decision)}`)
  const rule = { decision: rules.oneOf('approve', 'edit', 'reject'), value: rules.any, note: rules.string, by: rules.string }
  checkOptions<Decision>(decision, rule, 'a decision')
  if (decision.decision === undefined)
    throw new InvalidOption("Expected `decision` to be 'approve', 'edit' or 'reject', got undefined")
  if (decision.decision === 'edit' && decision.value === undefined)
    throw new InvalidOption("Expected a decision to 'edit' to have a `value`")
}
