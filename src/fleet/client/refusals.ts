/** What a run says where its items cannot be run: the errors of the client's side. */
import { formatMs } from '../../base/duration.ts'
import { because, HeddleError } from '../../base/errors.ts'
import { type ModuleBuild, shownModule } from '../naming/names.ts'
import { FleetUnavailable, NoWorkers, PayloadTooLarge, WorkerLost } from '../protocol/errors.ts'
import type { LiveWorker } from './roster.ts'

/** A text that the store itself carries. */
export const mostInline = 4 * 2 ** 20

export function notTaken(cause: unknown): unknown {
  if (cause instanceof HeddleError) return cause
  return new FleetUnavailable(`The store did not take a batch${because(cause)}`, {
    cause,
    hint: 'Nothing is lost: what it had taken before is done. A store that is full needs more memory, or fewer runs at once.',
  })
}

export function tooLarge(what: string, bytes: number): PayloadTooLarge {
  return new PayloadTooLarge(
    `The ${what} is ${(bytes / 2 ** 20).toFixed(1)} MiB of text; the store carries ${mostInline / 2 ** 20} MiB`,
    {
      hint: 'Give the fleet a blob store that all machines share: blobs: "file:///mnt/shared/heddle", and --blobs to the workers.',
    },
  )
}

/** @param again it may run again, and was tried again */
export function machineLost(index: number, name: string, why: string, again: boolean): WorkerLost {
  return new WorkerLost(`The machine that had item ${index} of "${name}" was lost: ${why}`, {
    hint: again
      ? 'Three machines were lost with it, so that it is not tried again: look at what they had in common.'
      : 'It may have run. Where it may run twice, give `retry`, or `lost: "again"` to the fleet.',
  })
}

export function noWorkers(module: ModuleBuild, patienceMs: number, workers: readonly LiveWorker[]): NoWorkers {
  const alive = workers.flatMap(({ host, pid, modules }) =>
    modules.map((each) => `${shownModule(each)} (${host}, process ${pid})`),
  )
  const shown = alive.length === 0 ? 'none' : alive.slice(0, 20).join(', ')
  return new NoWorkers(`No worker of the fleet has ${shownModule(module)} since ${formatMs(patienceMs)}. Alive are: ${shown}`, {
    hint: 'Start one with: heddle worker --fleet URL MODULE. Both sides need the same files, or the same HEDDLE_BUILD.',
  })
}
