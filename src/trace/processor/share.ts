/**
 * The activity of the tasks in one stretch of time: computing, waiting for something that a program without parallelism would wait for as well, or
 * waiting for a thread or a core that others had. Only the first two are work. Everything is a mean over the stretch, so `2` is two tasks at once or
 * two cores.
 *
 * 1. A thread of JavaScript runs one task at a time. As far as it was on a core, one of its tasks computed; as far as it waited for a core, one
 *    waited for that.
 *    Where no other thread of ours wanted a core, other programs had them: a program without parallelism would wait as well, so that is work.
 *    And one thread gets no more of the processor than all of ours together: where those had less than one core, because other programs had the
 *    rest, a program without parallelism would have computed no faster, so waiting is work up to one core. That holds however the system
 *    divides its cores: by thread, by session or by container.
 * 2. The others of its tasks wait for something: first for native threads and child processes, as many as of those were on a core or
 *    waiting for one, and for children that were asleep. Their time on a core is computing, and their sleep is waiting for the outside.
 * 3. The rest waits for the outside: for answers, timers, disks. But where the thread is busy, it waits for the thread; and where libuv's pool is
 *    full, for a thread of the pool. Up to six tenths busy it counts in full, from nine tenths on not at all, in between in proportion: a
 *    queue grows with u² / (1 − u), so it is short below that. (The two bounds are chosen.) So work is rather shown too small than too large.
 */

export interface Executor {
  /** Tasks under way there. */
  readonly tasks: number
  /** The thread was on a core, waited for one, and its event loop was busy. */
  readonly cpu: number
  readonly wait: number
  readonly busy: number
}

export interface Stretch {
  readonly executors: readonly Executor[]
  /** Native threads: on a core, and waiting for one. */
  readonly native: { readonly cpu: number; readonly wait: number }
  /** How full libuv's pool was: native threads that computed or wanted to, in threads of the pool. */
  readonly pool: number
  /** Child processes. */
  readonly children: {
    readonly cpu: number
    readonly wait: number
    /** Of their time on cores, that of processes which nobody saw wait. */
    readonly unseen: number
    /** Those of this process's own that were alive. */
    readonly alive: number
  }
  /** Share of the machine's cores in use. */
  readonly machine: number
  /** Of the cores in use, the share that other programs had. */
  readonly others: number
  /** Whether the system counts how long threads wait for a core. */
  readonly counted: boolean
}

export interface Share {
  readonly computing: number
  readonly waiting: number
  readonly forThread: number
  readonly forCore: number
  /** Of the last two: how much may have been waiting for the outside all the same, because it is unknown. */
  readonly unclear: number
}

const [busyFrom, busyTo] = [0.6, 0.9]
const saturated = 0.9

/** 0 where a queue is short, 1 where waiting in it cannot be distinguished from waiting for something else. */
function fullness(busy: number): number {
  return Math.min(1, Math.max(0, (busy - busyFrom) / (busyTo - busyFrom)))
}

export function shareOf(stretch: Stretch): Share {
  const { executors, native, pool, children, machine, others, counted } = stretch
  const ownCause = causeOf(stretch)
  let [computing, forThread, forCore, outside, unclear] = [0, 0, 0, 0, 0]
  /** By executor: its tasks that wait while its thread is held by one of them, and the others. */
  const waiting: { readonly held: number; readonly others: number; readonly full: number }[] = []
  for (const { tasks, cpu, wait, busy } of executors) {
    const on = Math.min(tasks, cpu + wait)
    const computed = on > 0 ? (on * cpu) / (cpu + wait) : 0
    computing += computed
    const own = (on - computed) * ownCause(cpu + wait)
    forCore += own
    outside += on - computed - own
    const held = Math.min(tasks - on, Math.max(0, busy - cpu - wait))
    waiting.push({ held, others: tasks - on - held, full: fullness(Math.max(busy, cpu + wait)) })
  }
  const all = waiting.reduce((sum, { held, others }) => sum + held + others, 0)
  // Cores that others had may have been waited for, and a program without parallelism would have waited as well.
  unclear += forCore * others
  if (all <= 0) return withSlowness({ computing, waiting: outside, forThread, forCore, unclear }, stretch)
  const asleep = Math.max(0, children.alive - children.cpu - children.wait)
  const helpers = native.cpu + native.wait + children.cpu + children.wait + asleep
  // What was on a core comes first: waits are counted when they are over, so a stretch of time may hold some of the one before.
  const helped = Math.min(all, native.cpu + children.cpu)
  const left = all - helped
  const [helpersWait, slept] = partsOf(left, native.wait + children.wait, asleep)
  computing += helped
  const own = helpersWait * ownCause(Math.min(1, native.cpu + children.cpu + native.wait + children.wait))
  forCore += own
  unclear += own * others
  outside += slept + helpersWait - own
  const rest = Math.max(0, 1 - helpers / all)
  const full = Math.max(fullness(pool), machine >= saturated ? notSeen(native, children, counted) : 0)
  for (const { held, others: waiters, full: thread } of waiting) {
    const unhelped = waiters * rest
    const forOwnThread = unhelped * thread
    const forHelpers = (unhelped - forOwnThread) * full
    forThread += forOwnThread
    forCore += forHelpers
    unclear += forOwnThread + forHelpers
    outside += held * rest + unhelped - forOwnThread - forHelpers
  }
  return withSlowness({ computing, waiting: outside, forThread, forCore, unclear }, stretch)
}

/** Two amounts, in proportion where they are more than there is room for. */
function partsOf(room: number, one: number, other: number): [number, number] {
  const fits = one + other > room ? room / (one + other) : 1
  return [one * fits, other * fits]
}

/** Counts waiting for a core as work as far as one thread alone would have waited as well. */
function withSlowness(share: Share, { executors, native, children, others }: Stretch): Share {
  const had = executors.reduce((sum, { cpu }) => sum + cpu, native.cpu + children.cpu)
  const theirs = others < 1 ? (had * others) / (1 - others) : Infinity
  const slow = Math.max(0, Math.min(share.forCore, 1 - had, theirs))
  const { forCore, waiting, unclear } = share
  return { ...share, forCore: forCore - slow, waiting: waiting + slow, unclear: Math.max(0, unclear - slow * others) }
}

/**
 * Which part of waiting for a core may be due to other threads of ours, for a thread that itself wanted so much of one: none where no other
 * wanted any, for then a program without parallelism would wait as well; all from one other on, because it is unknown.
 */
function causeOf({ executors, native, children }: Stretch): (itself: number) => number {
  const wanted = executors.reduce(
    (sum, { cpu, wait }) => sum + cpu + wait,
    native.cpu + native.wait + children.cpu + children.wait,
  )
  return (itself) => Math.min(1, Math.max(0, wanted - itself))
}

/**
 * What could not be seen waiting for a core did so, where all are in use: the share of it in what helpers computed. Children that begin, and those
 * that have ended and of which this thread has not heard yet, waited like those that are seen.
 */
function notSeen({ cpu: nativeCpu }: Stretch['native'], children: Stretch['children'], counted: boolean): number {
  const cpu = nativeCpu + children.cpu
  if (cpu === 0) return 0
  if (!counted) return 1
  const waited = children.wait > 0 ? children.wait / (children.wait + children.cpu) : 0
  return Math.min(1, Math.max(children.unseen / cpu, waited))
}
