import { describe, expect, test } from 'vitest'
import { InvalidGraph, InvalidOption } from '../base/errors.ts'
import { GraphModel, type Needs, TaskRef } from './model.ts'

const unknown = undefined

describe('GraphModel', () => {
  test('keeps tasks, needs and estimates in order of creation', () => {
    const model = new GraphModel('g')
    const a = model.add('a', undefined, 5)
    const b = model.add('b', [a], unknown)
    const c = model.add('c', { left: b, right: a, again: a }, 7)
    expect([a, b, c].map((task) => [task.index, task.name])).toEqual([
      [0, 'a'],
      [1, 'b'],
      [2, 'c'],
    ])
    expect([...model.needStart]).toEqual([0, 0, 1, 4])
    expect([...model.needs]).toEqual([0, 1, 0, 0])
    expect([...model.estimatesMs]).toEqual([5, Number.NaN, 7])
    expect([model.find('b'), model.find('nobody')]).toEqual([1, -1])
  })

  test('grows beyond its first columns', () => {
    const model = new GraphModel('g')
    let last = model.add('0', undefined, 0)
    for (let i = 1; i < 1000; i++) last = model.add(`${i}`, [last], i)
    expect(model.size).toBe(1000)
    expect(model.needs.length).toBe(999)
    expect([...model.needs]).toEqual(Array.from({ length: 999 }, (_, i) => i))
    expect(model.estimatesMs[777]).toBe(777)
  })

  test('puts results together as the needs were written', () => {
    const model = new GraphModel('g')
    const [a, b] = [model.add('a', undefined, unknown), model.add('b', undefined, unknown)]
    const none = model.add('none', undefined, unknown)
    const list = model.add('list', [b, a], unknown)
    const record = model.add('record', { x: a, ['__proto__']: b, constructor: a }, unknown)
    const same = model.add('same', { x: b, ['__proto__']: a, constructor: b }, unknown)
    const at = (i: number): string => `result ${i}`
    expect(model.shapeOf(none.index).assemble(0, at)).toBe(undefined)
    expect(model.shapeOf(list.index).assemble(2, at)).toEqual(['result 0', 'result 1'])
    const given = model.shapeOf(record.index).assemble(3, at) as object
    expect(Object.entries(given)).toEqual([
      ['x', 'result 0'],
      ['__proto__', 'result 1'],
      ['constructor', 'result 2'],
    ])
    expect(Object.getPrototypeOf(given)).toBe(Object.prototype)
    expect(model.shapeOf(same.index)).toBe(model.shapeOf(record.index))
    expect(model.shapeOf(model.add('other', { x: a }, unknown).index)).not.toBe(model.shapeOf(record.index))
  })

  const build = (needs: unknown): (() => unknown) => {
    const model = new GraphModel('ship')
    return () => model.add('api', needs as Needs, unknown)
  }

  test('says which need of which task is wrong', () => {
    const other = new GraphModel('other').add('schema', undefined, unknown)
    const twin = new GraphModel('ship').add('schema', undefined, unknown)
    const cases: [unknown, string, string][] = [
      [{ schema: undefined }, 'Need "schema" of task "api" is not a task: got undefined', 'exist before they are needed'],
      [[() => 1], 'Need 0 of task "api" is not a task: got an anonymous function (function)', 'Pass what g.task(name, fn) gives'],
      [
        { schema: Promise.resolve() },
        'Need "schema" of task "api" is not a task: got an object (Promise)',
        'Make the work a task',
      ],
      [{ schema: 'schema' }, 'Need "schema" of task "api" is not a task: got "schema" (string)', 'Pass what g.task(…) gives'],
      [{ schema: other }, 'Need "schema" of task "api" is task "schema" of another graph, "other"', 'tasks of graph "ship"'],
      [[twin], 'Need 0 of task "api" is task "schema" of another graph that is also called "ship"', 'tasks of graph "ship"'],
      [
        other,
        'Expected the needs of task "api" to be a record or a list of tasks, got an object (TaskRef)',
        'Write { schema } or [schema].',
      ],
      ['schema', 'Expected the needs of task "api" to be a record or a list of tasks, got "schema" (string)', ''],
    ]
    for (const [needs, message, hint] of cases) {
      let error: unknown
      try {
        build(needs)()
      } catch (thrown) {
        error = thrown
      }
      expect(error).toBeInstanceOf(InvalidGraph)
      expect((error as InvalidGraph).message).toBe(message)
      expect((error as InvalidGraph).hint ?? '').toContain(hint)
    }
  })

  test('refuses a name twice, and names that are none', () => {
    const model = new GraphModel('ship')
    model.add('api', undefined, unknown)
    expect(() => model.add('api', undefined, unknown)).toThrow('Graph "ship" already has a task "api"')
    expect(() => model.add('', undefined, unknown)).toThrow(InvalidGraph)
    expect(() => model.add(7 as never, undefined, unknown)).toThrow(
      'of graph "ship" to be text that is not empty, got 7 (number)',
    )
    expect(() => new GraphModel('')).toThrow(InvalidOption)
  })

  test('is as it was after a task that could not be added', () => {
    const model = new GraphModel('g')
    const a = model.add('a', undefined, unknown)
    expect(() => model.add('b', { a, bad: undefined as never }, unknown)).toThrow(InvalidGraph)
    expect(() => model.add('b', [a, a, 'bad' as never], unknown)).toThrow(InvalidGraph)
    const b = model.add('b', [a], unknown)
    expect(b).toBeInstanceOf(TaskRef)
    expect([...model.needStart]).toEqual([0, 0, 1])
    expect([...model.needs]).toEqual([0])
  })
})
