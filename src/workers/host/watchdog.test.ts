import { Session } from 'node:inspector'
import { describe, expect, test } from 'vitest'
import { open, ranWithin, watched, withInspector, withThread } from './watchdog.ts'

test('on the main thread the inspector watches', () => {
  expect(withInspector()).toBeDefined()
})

const ways: [string, () => ReturnType<typeof open>][] = [
  ['the inspector', () => open(withInspector())],
  ['a thread of vm', () => open(withThread())],
]

describe.each(ways)('%s', (_name, make) => {
  const by = make()

  test.each<[string, () => void]>([
    [
      'a loop',
      () => {
        for (;;);
      },
    ],
    [
      'one that catches and cleans up',
      () => {
        for (;;) {
          try {
            for (;;);
          } catch {
            continue
          } finally {
            for (;;);
          }
        }
      },
    ],
    [
      'a getter that is read while a value is copied',
      () => {
        structuredClone({
          get part() {
            for (;;);
          },
        })
      },
    ],
    [
      'a function that native code calls',
      () => {
        ;[3, 2, 1].sort(() => {
          for (;;);
        })
      },
    ],
  ])('stops %s', (_what, body) => {
    expect(ranWithin(20, body, by)).toBe(false)
    expect(watched()).toBe(false)
    expect(ranWithin(1_000, () => {}, by)).toBe(true)
  })

  test('stops what another one runs within its limit, as a whole', () => {
    let after = false
    const outer = ranWithin(
      20,
      () => {
        ranWithin(
          60_000,
          () => {
            for (;;);
          },
          by,
        )
        after = true
      },
      by,
    )
    expect([outer, after]).toEqual([false, false])
  })

  test('leaves promises and ticks that wait to the event loop, also those of what was stopped', async () => {
    const ran: string[] = []
    queueMicrotask(() => ran.push('before'))
    ranWithin(
      20,
      () => {
        void Promise.resolve().then(() => ran.push('inside'))
        process.nextTick(() => ran.push('tick'))
        for (;;);
      },
      by,
    )
    expect(ran).toEqual([])
    await new Promise((resolve) => setImmediate(resolve))
    expect(ran.sort()).toEqual(['before', 'inside', 'tick'])
  })

  test('works in a microtask', async () => {
    const looped = await Promise.resolve().then(() =>
      ranWithin(
        20,
        () => {
          for (;;);
        },
        by,
      ),
    )
    expect(looped).toBe(false)
  })

  test('gives on what is thrown', () => {
    expect(() =>
      ranWithin(
        1_000,
        () => {
          throw new RangeError('its own')
        },
        by,
      ),
    ).toThrow('its own')
  })

  test('what comes to its end just when its time is over does not throw', () => {
    // The time is over while it is in native code, after which nothing is left that could be stopped.
    const numbers = Float64Array.from({ length: 300_000 }, () => Math.random())
    expect(() => ranWithin(5, numbers.sort.bind(numbers, undefined) as () => void, by)).not.toThrow()
  })
})

test('where the inspector runs nothing, a thread watches', () => {
  const by = open(() => {})
  expect(
    ranWithin(
      20,
      () => {
        for (;;);
      },
      by,
    ),
  ).toBe(false)
})

test('what was logged meanwhile is not kept by the inspector', async () => {
  const text = `logged ${Math.random()}`
  const by = open(withInspector())
  const { log } = console
  console.log = () => {}
  // The inspector's own console, which Node's calls: nothing is to be printed here.
  const { console: inspected } = await import('node:inspector')
  ranWithin(1_000, () => inspected.log(text), by)
  console.log = log
  const kept = async (): Promise<boolean> => {
    const session = new Session()
    session.connect()
    let found = false
    session.on('Runtime.consoleAPICalled', ({ params }) => {
      if (params.args.some(({ value }) => value === text)) found = true
    })
    session.post('Runtime.enable')
    session.disconnect()
    return found
  }
  expect(await kept()).toBe(true)
  await expect.poll(kept).toBe(false)
})
