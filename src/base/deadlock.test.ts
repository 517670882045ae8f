import { describe, expect, test } from 'vitest'
import { Cancellation } from './abort.ts'
import { describeCircle, findCircles } from './deadlock.ts'
import { type Frame, rootFrame } from './frame.ts'
import { closeFrame, openFrame, Wait, Waitable } from './wait-graph.ts'

/** A resource with `slots` slots; holders and waiters are put in by hand. */
class Slots extends Waitable {
  readonly name: string
  readonly exclusive: boolean
  readonly slots: number
  readonly held: { frame: Frame; inside: boolean }[] = []

  constructor(name: string, slots = 1, exclusive = true) {
    super()
    this.name = name
    this.slots = slots
    this.exclusive = exclusive
  }

  label(): string {
    return `"${this.name}"`
  }

  holds(): Iterable<{ frame: Frame; inside: boolean }> {
    return this.held
  }

  passable(live: (hold: { frame: Frame; inside: boolean }) => boolean): boolean {
    return this.held.length < this.slots || this.held.some(live)
  }

  withdraw(): void {}
}

function task(name: string, parent: Frame = rootFrame): Frame {
  const frame: Frame = {
    parent,
    context: rootFrame.context,
    cancellation: new Cancellation(),
    run: parent.run + 1,
    task: 0,
    label: () => `task "${name}"`,
    children: 0,
    waits: 0,
  }
  openFrame(frame)
  return frame
}

function holds(frame: Frame, slots: Slots, inside = true): void {
  slots.held.push({ frame, inside })
}

const waits: Wait<void>[] = []
function waitsFor(frame: Frame, slots: Slots): Wait<void> {
  const wait = new Wait<void>(slots, frame)
  waits.push(wait)
  return wait
}

function find(resources: Slots[], showsAwaits = true): string[] {
  const circles = findCircles(resources, { counts: () => true, showsAwaits })
  for (const wait of waits.splice(0)) wait.abandon()
  return circles.map(describeCircle)
}

describe('a circle', () => {
  //  a ──waits──▶ stock ──held by──▶ b ──waits──▶ orders ──held by──▶ a
  test('of two tasks and two locks', () => {
    const [a, b] = [task('a'), task('b')]
    const [orders, stock] = [new Slots('orders'), new Slots('stock')]
    holds(a, orders, false)
    holds(b, stock, false)
    waitsFor(a, stock)
    waitsFor(b, orders)
    expect(find([orders, stock])).toEqual([
      'task "a" holds "orders" and waits for "stock"; task "b" holds "stock" and waits for "orders"',
    ])
  })

  //  parent ──holds──▶ api;  parent ◀──child of── child ──waits──▶ api
  test('through a child', () => {
    const parent = task('parent')
    const child = task('child', parent)
    const api = new Slots('api')
    holds(parent, api, false)
    waitsFor(child, api)
    expect(find([api])).toEqual(['task "parent" holds "api" and waits for task "child", which waits for "api" again'])
  })

  //  p1, p2 hold both slots; c1 below p1 and c2 below p2 wait for one
  test('of all holders of all slots', () => {
    const [p1, p2] = [task('p1'), task('p2')]
    const api = new Slots('api', 2)
    holds(p1, api)
    holds(p2, api)
    waitsFor(task('c1', p1), api)
    expect(findCircles([api], { counts: () => true, showsAwaits: true })).toEqual([])
    waitsFor(task('c2', p2), api)
    expect(find([api])).toHaveLength(1)
  })

  test('is one of many that have nothing in common', () => {
    const resources = Array.from({ length: 10 }, (_, i) => new Slots(`r${i}`))
    for (const resource of resources) {
      const frame = task(resource.name)
      holds(frame, resource)
      waitsFor(frame, resource)
    }
    expect(find(resources)).toHaveLength(10)
  })

  test('is cut in the message when it is long', () => {
    const resources = Array.from({ length: 15 }, (_, i) => new Slots(`r${i}`))
    const tasks = resources.map((_, i) => task(`t${i}`))
    for (const [i, frame] of tasks.entries()) {
      holds(frame, resources[i] as Slots, false)
      waitsFor(frame, resources[(i + 1) % 15] as Slots)
    }
    expect(find(resources)[0]).toMatch(/; and 3 more$/)
  })
})

describe('no circle is reported', () => {
  // a holds one slot of two and waits for the lock of b, b waits for a slot; the second slot is held by c, who runs
  test('while a holder of another slot can run', () => {
    const [a, b, c] = [task('a'), task('b'), task('c')]
    const [slots, lock] = [new Slots('slots', 2), new Slots('lock')]
    holds(a, slots)
    holds(c, slots)
    holds(b, lock)
    waitsFor(a, lock)
    waitsFor(b, slots)
    expect(find([slots, lock])).toEqual([])
  })

  test('while another child of the holder runs', () => {
    const parent = task('parent')
    const [waiting, running] = [task('waiting', parent), task('running', parent)]
    const lock = new Slots('lock')
    holds(parent, lock)
    waitsFor(waiting, lock)
    expect(findCircles([lock], { counts: () => true, showsAwaits: true })).toEqual([])
    closeFrame(running)
    expect(find([lock])).toHaveLength(1)
  })

  test('through the main program, which unrelated flows share', () => {
    const lock = new Slots('lock')
    holds(rootFrame, lock, false)
    waitsFor(rootFrame, lock)
    expect(find([lock])).toEqual([])
  })

  test('for a lease that another flow of the same task may have', () => {
    const lock = new Slots('lock')
    const frame = task('a')
    holds(frame, lock, false)
    waitsFor(frame, lock)
    expect(find([lock])).toEqual([])
  })

  test('where the task does not await the wait', () => {
    const lock = new Slots('lock')
    const frame = task('a')
    holds(frame, lock)
    waitsFor(frame, lock).notBy = frame
    expect(find([lock])).toEqual([])
  })

  test('where a lease is held beside other promises', () => {
    const [a, b] = [task('a'), task('b')]
    const [orders, stock] = [new Slots('orders'), new Slots('stock')]
    holds(a, orders, false)
    holds(b, stock, false)
    waitsFor(a, stock).amongOthersBy = [a]
    waitsFor(b, orders)
    expect(find([orders, stock])).toEqual([])
  })

  test('where the parent need not await the child, unless the engine shows that it does', () => {
    const parent = task('parent')
    parent.body = 'whole'
    const child = { ...task('child', parent), loose: true }
    const lock = new Slots('lock')
    holds(parent, lock)
    waitsFor(child, lock)
    expect(findCircles([lock], { counts: () => true, showsAwaits: false })).toEqual([])
    expect(find([lock])).toHaveLength(1)
  })

  //  a waits for a message of b and b for one of a: somebody else may send one. w waits for the lock of a.
  test('among those who only talk, even where somebody waits for a lock of theirs', () => {
    const [a, b, w] = [task('a'), task('b'), task('w')]
    const [toA, toB, lock] = [new Slots('toA', 1, false), new Slots('toB', 1, false), new Slots('lock')]
    holds(b, toA)
    holds(a, toB)
    holds(a, lock)
    waitsFor(a, toA)
    waitsFor(b, toB)
    waitsFor(w, lock)
    expect(find([toA, toB, lock])).toEqual([])
  })

  test('for waits that have just begun', () => {
    const lock = new Slots('lock')
    const frame = task('a')
    holds(frame, lock)
    waitsFor(frame, lock)
    expect(findCircles([lock], { counts: () => false, showsAwaits: true })).toEqual([])
    expect(find([lock])).toHaveLength(1)
  })
})
