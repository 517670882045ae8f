/** The `checkpoint` of the patterns: each call that a pattern makes is a step of a journal, named by what it is about. */
import { checkCheckpoint, type Checkpoint, itemKey, openCheckpoint } from '../../checkpoint/index.ts'

export interface Checkpointed {
  /**
   * A journal for the calls: after a crash the same program goes on where it was, and no call that is recorded is made again. Their results
   * must be JSON. The path of a file, the same with options, or a part of an open journal. @default none
   */
  readonly checkpoint?: Checkpoint
}

/** Makes a call, unless the journal has it. @param kind what the call does @param about what it does it with; JSON */
export type Once = <T>(kind: string, about: unknown, call: () => T | PromiseLike<T>) => T | PromiseLike<T>

/** Without a journal. */
export const direct: Once = (_, __, call) => call()

/** Runs `body` with the journal open, and closes it. */
export async function withOnce<R>(
  checkpoint: Checkpoint | undefined,
  label: string,
  body: (once: Once) => Promise<R>,
): Promise<R> {
  checkCheckpoint(checkpoint)
  if (checkpoint === undefined) return body(direct)
  const journal = await openCheckpoint(checkpoint, label, 0)
  let [restored, recorded] = [0, 0]
  const once: Once = async (kind, about, call) => {
    const steps = journal.steps.at(kind)
    let made = false
    const value = await steps.step(
      itemKey(about, () => kind),
      () => {
        made = true
        return call()
      },
    )
    if (made) recorded++
    else restored++
    return value
  }
  try {
    return await body(once)
  } finally {
    await journal.close(restored, recorded)
  }
}
