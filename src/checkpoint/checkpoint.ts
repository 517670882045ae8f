/** The `checkpoint` option of everything that runs: a path, a path with options, or a part of a journal that is open. */
import { InvalidOption } from '../base/errors.ts'
import { note } from '../base/observer.ts'
import { checkOptions, type OptionRules, type Rule, rules } from '../base/options.ts'
import type { Journal } from './journal.ts'
import { type JournalOptions, journalRules } from './options.ts'
import { Steps } from './steps.ts'

/** A checkpoint that a run opens and closes itself. */
export interface CheckpointOptions extends Omit<JournalOptions, 'program'> {
  /** The journal's file; its folder must exist. */
  readonly path: string
  /** Name of the program: the journal of another one is refused. @default what the run is, such as `map "summarize"` */
  readonly program?: string
}

/** Where a run records its steps: a path, a path with options, or a part of an open journal. */
export type Checkpoint = string | CheckpointOptions | Steps

export const checkpointRule: Rule = rules.either(rules.string, {
  expected: 'an object with a `path`, or a part of a journal',
  accepts: (value) => typeof value === 'object' && value !== null,
})

const checkpointRules: OptionRules<CheckpointOptions> = { ...journalRules, path: rules.string }

/** @throws {InvalidOption} before anything is opened */
export function checkCheckpoint(checkpoint: Checkpoint | undefined): void {
  if (typeof checkpoint !== 'object' || checkpoint instanceof Steps) return
  checkOptions<CheckpointOptions>(checkpoint, checkpointRules, 'checkpoint')
  if (checkpoint.path === undefined) throw new InvalidOption('Expected `path` of checkpoint to be given')
}

export interface OpenCheckpoint {
  readonly steps: Steps
  /** Waits until all that was recorded is durable, and lets go of the journal; says how many steps came from it and how many went there. */
  close(restored: number, recorded: number): Promise<void>
}

/**
 * Opens the journal of a run.
 * @param label what the run is: the program's name, unless the caller gives one
 * @param run its id, for notes
 */
export async function openCheckpoint(checkpoint: Checkpoint, label: string, run: number): Promise<OpenCheckpoint> {
  const own = checkpoint instanceof Steps ? undefined : await openOwn(checkpoint, label, run)
  const steps = own ? own.part([]) : (checkpoint as Steps)
  if (!own) steps.use(label)
  return {
    steps,
    async close(restored, recorded) {
      const data = { restored, recorded }
      note('checkpoint', run, `${label}: ${restored} results came from the journal, ${recorded} were recorded`, data)
      await own?.close()
    },
  }
}

async function openOwn(checkpoint: string | CheckpointOptions, label: string, run: number): Promise<Journal> {
  const { path, ...options } = typeof checkpoint === 'string' ? { path: checkpoint } : checkpoint
  const { Journal } = await import('./journal.ts')
  const journal = await Journal.open(path, { program: label, ...options }, false)
  const { droppedBytes } = journal.found
  if (droppedBytes > 0)
    note('checkpoint', run, `${label}: the last ${droppedBytes} bytes of the journal were torn by a crash and dropped`, {
      droppedBytes,
    })
  return journal
}
