/**
 * Deadlock detection: a wait-for graph over tasks, locks, limiters, channels and runs. A circle rejects one waiter with
 * {@link DeadlockDetected}, which names the circle in words.
 *
 * **How locks and limiters hook in.** Extend {@link Waitable}; it says who holds and whether the next in line could be
 * served. When a caller cannot be served at once: `const wait = new Wait<Lease>(waitable)`, put it in your line, and give
 * the caller `wait.promise`; end it with `wait.settle(lease)` or `wait.fail(error)`. A hold remembers `currentFrame()` as
 * it was at the acquire: one field write, the only cost of an acquire that need not wait. Code that runs wholly inside a
 * hold while others of the same frame may run beside it (`runExclusive`, a guarded call) enters a frame of its own:
 * `insideFrame(() => …)`; take the hold and wait for it within that frame, with `inside: true`.
 *
 * **How runs hook in.** `openFrame(frame)` when a frame of a run begins, `closeFrame(frame)` when it ends. A parent counts as
 * waiting for its open children. A run has a frame too, above the frames of its lanes or tasks; one without open children
 * (its work is on other threads) counts as running. `body` of a lane or task names the async function that awaits the
 * user's function (`runTask.name`); `joint` of a run is the {@link Suspension} that its caller awaits until all
 * has settled; `loose` tasks are those that their parent starts but need not await (`fork`).
 *
 * **When it accuses.** Nobody can know what a task does beside waiting: a promise that it started by the side may be about
 * to give back a lock. So a circle is reported only when no frame outside it could break it (deadlock.ts), when it has
 * stood still over several scans, and when the engine shows that each frame's own code awaits its wait (suspension.ts).
 * Cases that are too uncertain to accuse while anything else runs (two acquires of one mutex in one task, which may be two flows;
 * everything in code that no run called) are rejected when the process has nothing left to do and would end instead.
 */
import { performance, setImmediate, setTimeout } from './globals.js'
import { type Circle, describeCircle, findCircles } from './deadlock.ts'
import { DeadlockDetected } from './errors.ts'
import { type Awaited, currentFrame, enterFrame, type Frame, rootFrame } from './frame.ts'
import { note } from './observer.ts'
import { showsAwaits, Suspension } from './suspension.ts'
import { detector, type Hold, hopeless, Wait, Waitable, waitedFor } from './wait.ts'

export { type Hold, Suspension, Wait, Waitable }

/** Between two looks at the graph while somebody waits; a healthy look costs a walk over what is waited for. */
const scanEveryMs = 100
/** A scan that takes long is repeated less often: it may use up to this share of the thread. */
const scanShare = 0.05
/** How long, and over how many scans, a circle must stand still. Together they find a deadlock in about half a second. */
const stillMs = 250
const stillScans = 3

export function openFrame(frame: Frame): void {
  if (frame.parent) frame.parent.children++
}

export function closeFrame(frame: Frame): void {
  if (frame.parent) frame.parent.children--
}

/** Runs `code`, which waits for or runs inside a hold, in a frame of its own below the current one. */
export async function insideFrame<T>(code: () => Promise<T>): Promise<T> {
  const parent = currentFrame()
  const frame: Frame = {
    parent,
    context: parent.context,
    cancellation: parent.cancellation,
    run: parent.run,
    task: parent.task,
    label: () => parent.label(),
    children: 0,
    waits: 0,
    body: insideFrame.name,
  }
  openFrame(frame)
  try {
    return await enterFrame(frame, code)
  } finally {
    closeFrame(frame)
  }
}

interface Suspect {
  readonly since: number
  scans: number
}

let timer: NodeJS.Timeout | undefined
let suspects = new Map<string, Suspect>()
let watchesExit = false

detector.wake = (): void => {
  if (timer === undefined) scanIn(scanEveryMs)
}

function scanIn(ms: number): void {
  if (!watchesExit) {
    watchesExit = true
    process.on('beforeExit', endOfProgram)
  }
  // Outside of the waiter's frame, or the timer would keep it alive.
  timer = enterFrame(rootFrame, () => setTimeout(() => void scan(), ms))
  timer.unref()
}

async function scan(): Promise<void> {
  const provable = await showsAwaits()
  const startedAt = performance.now()
  const circles = findCircles(waitedFor, { counts: (wait) => startedAt - wait.since >= scanEveryMs / 2, showsAwaits: provable })
  const still = new Map<string, Suspect>()
  for (const circle of circles) {
    const key = circle.map((link) => link.wait.id).join()
    const suspect = suspects.get(key) ?? { since: startedAt, scans: 0 }
    suspect.scans++
    if (suspect.scans >= stillScans && startedAt - suspect.since >= stillMs) reject(circle)
    else still.set(key, suspect)
  }
  suspects = still
  if (provable) askWhoAwaits(circles)
  const tookMs = performance.now() - startedAt
  if (waitedFor.size > 0) scanIn(Math.max(scanEveryMs, tookMs / scanShare))
  else timer = undefined
}

/** Waits and joints that were part of a circle: asked again at each scan, because code moves on and awaits other things. */
const asked = new Set<Awaited>()
/** A question costs about 10 µs. */
const askedAtMost = 500

/** Whatever turns out not to be awaited takes the circle apart before the next scan. */
function askWhoAwaits(circles: readonly Circle[]): void {
  for (const { wait, hold } of circles.flat()) {
    asked.add(wait)
    for (let frame: Frame | undefined = wait.frame; frame && frame !== hold.frame; frame = frame.parent) {
      if (frame.joint) asked.add(frame.joint)
    }
  }
  let left = askedAtMost
  for (const awaited of asked) {
    asked.delete(awaited)
    if (!awaited.open) continue
    awaited.askWhoAwaits()
    // To the end of the line, so that all get their turn.
    asked.add(awaited)
    if (--left === 0) break
  }
}

/** Rejects the youngest wait of the circle, which has lost the least. */
function reject(circle: Circle): void {
  const waits = circle.map((link) => link.wait).filter((wait) => wait.on.exclusive)
  const victim = waits.reduce((a, b) => (b.id > a.id ? b : a))
  const words = describeCircle(circle)
  note('other', victim.frame.run, `deadlock: ${words}`)
  end(victim, new DeadlockDetected(`Deadlock: ${words}`, { hint: circle.length === 1 ? nestedHint : orderHint }))
}

const orderHint = 'Take locks in the same order everywhere, or hold only one at a time.'
const nestedHint = 'Do not wait for a lock or limiter inside itself: give the inner calls a limiter of their own.'

function end(wait: Wait<never>, error: DeadlockDetected): void {
  if (wait.fail(error)) wait.on.withdraw(wait)
}

/**
 * The process has nothing left to do: no timer, no I/O. So nothing will ever end these waits; one is rejected, and the
 * loop turns once more, because that may well free the others.
 */
function endOfProgram(): void {
  const victim = hopeless.youngest
  if (!victim) return
  const by = holders(victim.on)
  end(
    victim,
    new DeadlockDetected(
      `Deadlock: ${victim.frame.label()} waits for ${victim.on.label()}${by}, and nothing is left in the program that could end the wait`,
      { hint: 'Release every lease in a finally block or with `using`; do not acquire a lock twice in one flow.' },
    ),
  )
  setImmediate(() => {})
}

/** Holders that are asked for their names: every waiter of a lock with thousands of them may have to be named. Chosen. */
const holdersAsked = 100
const holdersNamed = 3

function holders(on: Waitable): string {
  const names = new Set<string>()
  let asked = 0
  for (const hold of on.holds()) {
    if (asked++ === holdersAsked || names.size === holdersNamed) break
    names.add(hold.frame.label())
  }
  return names.size === 0 ? '' : ` (held by ${[...names].join(', ')})`
}
