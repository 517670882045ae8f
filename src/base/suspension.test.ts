import { describe, expect, test } from 'vitest'
import { Cancellation } from './abort.ts'
import { type Frame, rootFrame } from './frame.ts'
import { showsAwaits, Suspension } from './suspension.ts'

function frameOf(body: string, parent: Frame = rootFrame): Frame {
  const cancellation = new Cancellation()
  const { context } = rootFrame
  return { parent, context, cancellation, run: 1, task: 0, label: () => body, children: 0, waits: 0, body }
}

async function outerBody<T>(code: () => Promise<T>): Promise<T> {
  return await code()
}

async function innerBody<T>(code: () => Promise<T>): Promise<T> {
  return await code()
}

const outer = frameOf(outerBody.name)
const inner = frameOf(innerBody.name, outer)
const never = new Promise<never>(() => {})

async function ask(suspension: Suspension<unknown>): Promise<{ notBy: string | undefined; among: string[] }> {
  await new Promise((resolve) => setImmediate(resolve))
  suspension.askWhoAwaits()
  await new Promise((resolve) => setImmediate(resolve))
  return { notBy: suspension.notBy?.label(), among: suspension.amongOthersBy.map((frame) => frame.label()) }
}

describe('who awaits', () => {
  const all = { notBy: undefined, among: [] }

  test('can be told by this engine', async () => {
    expect(await showsAwaits()).toBe(true)
  })

  test('is found through awaits, then and finally, up to every body', async () => {
    const s = new Suspension<void>(inner)
    const user = async (): Promise<void> => await s.promise.then(() => {}).finally(() => {})
    void outerBody(() => innerBody(user))
    expect(await ask(s)).toEqual(all)
  })

  test('is found among others', async () => {
    const s = new Suspension<void>(inner)
    void outerBody(() => innerBody(() => Promise.all([never, s.promise])))
    expect(await ask(s)).toEqual({ notBy: undefined, among: ['innerBody'] })
  })

  test('is nobody when the promise was only started', async () => {
    const s = new Suspension<void>(inner)
    const crawl = async (): Promise<void> => await s.promise
    void outerBody(() => innerBody(async () => (void crawl(), await never)))
    expect(await ask(s)).toMatchObject({ notBy: 'innerBody' })
  })

  test('is the inner body only, when the outer goes on', async () => {
    const s = new Suspension<void>(inner)
    void outerBody(async () => (void innerBody(() => s.promise), await never))
    expect(await ask(s)).toMatchObject({ notBy: 'outerBody' })
  })

  test('changes as code goes on', async () => {
    const s = new Suspension<void>(inner)
    let goOn = (): void => {}
    const later = new Promise<void>((resolve) => (goOn = resolve))
    void outerBody(() => innerBody(async () => (await later, await s.promise)))
    expect(await ask(s)).toMatchObject({ notBy: 'innerBody' })
    goOn()
    expect(await ask(s)).toEqual(all)
  })

  test('leaves the settings of stack traces as they were', async () => {
    const { stackTraceLimit, prepareStackTrace } = Error
    const s = new Suspension<void>(inner)
    await ask(s)
    expect([Error.stackTraceLimit, Error.prepareStackTrace]).toEqual([stackTraceLimit, prepareStackTrace])
  })
})

describe('a suspension', () => {
  test('ends once, also right after a question', async () => {
    const s = new Suspension<number>(inner)
    s.askWhoAwaits()
    expect(s.settle(1)).toBe(true)
    expect(s.settle(2)).toBe(false)
    expect(s.fail(new Error('late'))).toBe(false)
    expect(s.open).toBe(false)
    expect(await s.promise).toBe(1)
  })

  test('can fail', async () => {
    const s = new Suspension<number>(inner)
    s.fail(new Error('no'))
    await expect(s.promise).rejects.toThrow('no')
  })
})
