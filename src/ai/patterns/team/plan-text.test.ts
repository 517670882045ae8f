import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { InvalidGraph } from '../../../base/errors.ts'
import { PlanText } from './plan-text.ts'
import { runs } from '../../../../test/support/runs.ts'
import { processorTime } from '../../../../test/support/processor-time.ts'

const agents = ['search', 'up', 'math', 'say', 'join', 'search_web']

interface Task {
  readonly id: string
  readonly agent: string
  readonly input: string
}

function read(plan: string, pieces: readonly number[] = []): Task[] {
  const text = new PlanText(agents)
  const tasks = []
  let at = 0
  for (const length of pieces) tasks.push(...text.push(plan.slice(at, (at += length))))
  tasks.push(...text.push(plan.slice(at)), ...text.end())
  return tasks.map(({ id, agent, input }) => ({ id, agent, input }))
}

const task = (id: string, agent: string, input: string): Task => ({ id, agent, input })

test('forms that models write', () => {
  const forms: readonly [string, Task[]][] = [
    ['1. search("Oslo") # city\n2. up("$1!")', [task('1', 'search', 'Oslo'), task('2', 'up', '$1!')]],
    ['Step 1: search("Oslo")\nStep 2: up("$1")', [task('1', 'search', 'Oslo'), task('2', 'up', '$1')]],
    ['**Step 1:** search("Oslo")\n- **2.** `up("$1")`', [task('1', 'search', 'Oslo'), task('2', 'up', '$1')]],
    ['### Task 1: search("Oslo")\n### Task 2 - up("$1")', [task('1', 'search', 'Oslo'), task('2', 'up', '$1')]],
    [
      '1. search("Oslo"), 2. up("$1"); 3. join()<END_OF_PLAN>',
      [task('1', 'search', 'Oslo'), task('2', 'up', '$1'), task('3', 'join', '')],
    ],
    ['1. search("Oslo") - the city\n\nThat is all. Good luck!', [task('1', 'search', 'Oslo')]],
    ['1. search("Oslo\nand Bergen")\n2. up(a (b) c)', [task('1', 'search', 'Oslo\nand Bergen'), task('2', 'up', 'a (b) c')]],
    [
      '1. say("He said "hi" to me")\n2. say("a", "b")\n3. say(what\'s up?)',
      [task('1', 'say', 'He said "hi" to me'), task('2', 'say', '"a", "b"'), task('3', 'say', "what's up?")],
    ],
    ['1. say("""a "b"\nc""")\n2. say("")', [task('1', 'say', 'a "b"\nc'), task('2', 'say', '')]],
    [
      "const a = await search('it\\'s')\nlet b = math($a - (3+2));",
      [task('a', 'search', "it's"), task('b', 'math', '$a - (3+2)')],
    ],
    ['Thought: search it\n1. search("x")\nThought: then\n2. join()', [task('1', 'search', 'x'), task('2', 'join', '')]],
    [
      '[1] search("x")\n(2) up("y")\n1.1. up("z")\n$t-1 := search_web(q)',
      [task('1', 'search', 'x'), task('2', 'up', 'y'), task('1.1', 'up', 'z'), task('t-1', 'search_web', 'q')],
    ],
    ['1. up(C:\\data\\new)\r\n2. up("\\d+")\r\n', [task('1', 'up', 'C:\\data\\new'), task('2', 'up', '\\d+')]],
    ['a = search("x") // b = up("not this")', [task('a', 'search', 'x')]],
    [
      '[{"id":"1","agent":"search","input":"Oslo"},{"id":2,"agent":"up","input":"$1"}]',
      [task('1', 'search', 'Oslo'), task('2', 'up', '$1')],
    ],
    ['Here it is: ```json\n[\n {"id":"1","agent":"search",\n"input":"a\nb"},\n]\n```\nThanks!', [task('1', 'search', 'a\nb')]],
    ['{"why":"because","tasks":[{"id":1,"agent":"search","input":"Oslo"}]}', [task('1', 'search', 'Oslo')]],
    [
      'Plan: {"id":"1","agent":"up","input":"}"}, {"id":"2","agent":"up","input":"\\"]"} # two',
      [task('1', 'up', '}'), task('2', 'up', '"]')],
    ],
  ]
  for (const [plan, tasks] of forms) {
    for (const pieces of [[], Array.from(plan, () => 1)]) expect({ plan, tasks: read(plan, pieces) }).toEqual({ plan, tasks })
  }
})

test('what cannot be read is refused by name, never skipped', () => {
  const refused: readonly [string, RegExp][] = [
    ['', /The plan is empty/],
    ['[]', /has no task: \[\]/],
    ['First we look up the city, then the weather.', /has no task: First we look up/],
    ['1. search("Oslo")\nSearch for Bergen', /Line 2 of the plan cannot be read: Search for Bergen/],
    ['1. search("Oslo")\nThen $1 is compared', /Line 2/],
    ['1. search("Oslo")\n2. find Bergen', /Line 2 of the plan cannot be read: 2\. find Bergen/],
    ['1. search("Oslo")\nStep two: find Bergen', /Line 2/],
    ['search("Oslo")', /Line 1/],
    ['1. search("Oslo")\nb = 3 + 4', /Line 2/],
    ['1. search("Oslo")\n2. up("$', /in the middle of task "2" that begins in line 2/],
    ['1. search("Oslo")\n2. up', /Line 2/],
    ['1. search("Oslo")\n2', /Line 2/],
    ['a = search("Oslo")\nb', /Line 2/],
    ['- **1.** search("Oslo")\n- **', /Line 2/],
    ['1. search("Oslo")\n2. up("$1") + "b"', /Line 2 of the plan cannot be read: \+ "b"/],
    ['1. up("x") - after 2\n2. up("y")', /Line 1/],
    ['1. up("x") (needs 2)\n2. up("y")', /Line 1/],
    ['1. search("Oslo\n2. up("$1")', /Task "1" in line 1 of the plan is not closed before the next task: 2\. up/],
    ['# 1. search("x")\n2. up("x")', /Line 1/],
    ['1. search("x") # 2. up("$1")', /Line 1/],
    ['id: 1\nagent: search\ninput: x', /Line 1/],
    ['| 1 | search | Oslo |', /Line 1/],
    ['{"id":"1","agent":"search","input":"Oslo"', /in the middle of a JSON object that begins in line 1/],
    ['[{"id":"1","agent":"search","input":"Oslo"},\n', /in the middle of a list that begins in line 1/],
    ['[{"id":"1","agent":"search","input":"x"}, null]', /Line 1 of the plan cannot be read: null\]/],
    ["{'id': '1', 'agent': 'search'}", /Line 1 of the plan is not valid JSON/],
    ['{"id":"1","agent":"search"}', /to have `id`, `agent` and `input` as text/],
    ['{"id":"1","agent":"up","input":"x"} + 1', /Line 1 of the plan cannot be read: \+ 1/],
  ]
  for (const [plan, message] of refused) {
    for (const pieces of [[], Array.from(plan, () => 1)]) {
      expect(() => read(plan, pieces)).toThrow(InvalidGraph)
      expect(() => read(plan, pieces)).toThrow(message)
    }
  }
})

/** How a plan is printed: each style is a function of its tasks. */
const quoted = JSON.stringify
const label = [
  (id: string) => `${id}. `,
  (id: string) => `${id}) `,
  (id: string) => `${id}: `,
  (id: string) => `${id} = `,
  (id: string) => `Step ${id}: `,
  (id: string) => `- **${id}.** `,
  (id: string) => `## Task ${id} - `,
  (id: string) => `const ${id} = await `,
]
const strings = [
  quoted,
  (text: string) =>
    `'${quoted(text)
      .slice(1, -1)
      .replaceAll(String.raw`\"`, '"')
      .replaceAll("'", String.raw`\'`)}'`,
  (text: string) => quoted(text).replaceAll(String.raw`\n`, '\n'),
  (text: string) => `"""${quoted(text).slice(1, -1)}"""`,
  (text: string) => ` \n  ${quoted(text)}\n`,
]
const noise = [
  '',
  '',
  '\n',
  '# a comment\n',
  'Now we go on with the rest.\n',
  'Thought: search for more\n',
  '---\n',
  '```\n',
  '// up("x")\n',
]
const ends = ['\n', ' # why\n', ' // why\n', '\n\n', ',\n', ';\n', ' - a remark\n', ' ']

type Style = (tasks: readonly Task[], pick: (most: number) => number) => string
const styles: readonly Style[] = [
  (tasks, pick) => {
    const l = label[pick(label.length)] as (id: string) => string
    const line = ({ id, agent, input }: Task, last: boolean): string => {
      const end = ends[pick(last ? ends.length - 1 : ends.length)] as string
      const call = `${l(id)}${agent}(${(strings[pick(strings.length)] as (text: string) => string)(input)})${end}`
      return end === ' ' ? call : call + noise[pick(noise.length)]
    }
    return `Here is the plan:\n${tasks.map((one, i) => line(one, i === tasks.length - 1)).join('')}`
  },
  (tasks, pick) => tasks.map((one) => quoted(one) + ['\n', ',\n', ' ', ' # why\n'][pick(4)]).join(''),
  (tasks) => tasks.map((one, i) => `${i + 1}. ${quoted(one)}\n`).join(''),
  (tasks) => quoted(tasks),
  (tasks) => `\`\`\`json\n${JSON.stringify(tasks, null, 2).replaceAll(String.raw`\n`, '\n')}\n\`\`\``,
  (tasks) => `{"reason": "many", "tasks": ${quoted(tasks)}}`,
]

const inputText = fc.array(
  fc.constantFrom(
    'a',
    'Oslo',
    ' ',
    '"',
    "'",
    '(',
    ')',
    '\\',
    '\n',
    '$1',
    '$2-5',
    '{',
    '}',
    '[',
    '],',
    '#',
    '//',
    ',',
    ':',
    '=',
    '.',
    'é',
    '😀',
    '5',
    '`',
  ),
  { maxLength: 12 },
)
const tasksOfPlan = fc
  .uniqueArray(fc.constantFrom('1', '2', '3', 'a', 'b2', 't_1', 'x-y', '10'), { minLength: 1, maxLength: 6 })
  .chain((ids) =>
    fc.tuple(
      ...ids.map((id) =>
        fc.record({ id: fc.constant(id), agent: fc.constantFrom(...agents), input: inputText.map((parts) => parts.join('')) }),
      ),
    ),
  )

test('a plan printed in any style and cut into any pieces reads back as it was', () => {
  fc.assert(
    fc.property(
      tasksOfPlan,
      fc.nat(),
      fc.array(fc.nat(1e6), { minLength: 1, maxLength: 40 }),
      fc.array(fc.integer({ min: 1, max: 9 })),
      (tasks, style, numbers, pieces) => {
        let i = 0
        const pick = (most: number): number => (numbers[i++ % numbers.length] as number) % most
        const plan = (styles[style % styles.length] as Style)(tasks, pick)
        expect(read(plan, pieces)).toEqual(tasks)
      },
    ),
    { numRuns: runs(300, 2_000) },
  )
})

test('a plan that is cut anywhere gives every task that had begun, or an error', () => {
  const outcome = (plan: string): Task[] | 'refused' => {
    try {
      return read(plan)
    } catch (error) {
      if (error instanceof InvalidGraph) return 'refused'
      throw error
    }
  }
  fc.assert(
    fc.property(tasksOfPlan, fc.nat(), fc.boolean(), (tasks, at, json) => {
      const lines = tasks.map((one) => (json ? quoted(one) : `${one.id}. ${one.agent}(${quoted(one.input)})`))
      const plan = lines.join('\n')
      const cut = plan.slice(0, 1 + (at % plan.length))
      const begun = tasks.filter((_, i) => lines.slice(0, i).reduce((sum, line) => sum + line.length + 1, 0) < cut.length)
      const found = outcome(cut)
      expect(found === 'refused' ? begun : found).toEqual(begun)
      expect(outcome(plan)).toEqual(tasks)
    }),
    { numRuns: runs(200, 1_000) },
  )
})

test('is read in linear time, however it comes', () => {
  const long = 'word '.repeat(40_000)
  for (const plan of [
    `1. say("${long}")`,
    `1. say(${long})`,
    JSON.stringify(task('1', 'say', long)),
    `${'*'.repeat(100_000)}\n1. say("x")`,
    `${' '.repeat(100_000)}\n1. say("x")`,
    `${'1.a'.repeat(40_000)}\n`,
    `# ${'1.a1 '.repeat(40_000)}\n1. say("x")`,
  ]) {
    const took = processorTime()
    try {
      read(
        plan,
        Array.from({ length: plan.length / 4 }, () => 4),
      )
    } catch {
      // Only the time counts here.
    }
    expect(took()).toBeLessThan(3_000)
  }
})
