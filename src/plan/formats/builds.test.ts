/** Plans of machines: workflows, scripts, task graphs, make. */
import { describe, expect, test } from 'vitest'
import { plan } from '../plan.ts'
import { readPlan } from './read.ts'

const links = async (text: string, file: string, target?: string) => {
  const { tasks } = await readPlan(text, { file, ...(target !== undefined && { target }) })
  return Object.fromEntries(
    tasks.map(({ id, links }) => [id, links.map(({ task, implied }) => `${task}${implied ? '?' : ''}`).join(', ')]),
  )
}

describe('workflows of GitHub Actions', () => {
  test('max-parallel holds combinations back, and exclude leaves some out', async () => {
    const text =
      'on: push\njobs:\n  a:\n    strategy:\n      max-parallel: 2\n      matrix: { x: [1, 2, 3], y: [1, 2], exclude: [{ x: 3 }], include: [{ x: 1, z: 5 }] }\n  b: { needs: [a] }\n'
    const { report, project } = plan(await readPlan(text, { file: 'ci.yml' }))
    expect(project.tasks.map(({ id }) => id)).toEqual(['a (1, 1, 5)', 'a (1, 2, 5)', 'a (2, 1)', 'a (2, 2)', 'b'])
    expect(report).toMatchObject({ sequential: 5, ideal: 2, scheduled: 3 })
  })
  test('a matrix that is computed counts as one job, and a note says so', async () => {
    const { tasks, notes } = await readPlan(
      'on: push\njobs:\n  a:\n    strategy: { matrix: "${{ fromJSON(needs.x.outputs.m) }}" }\n',
      { file: 'ci.yml' },
    )
    expect([tasks.length, notes.at(-1)]).toEqual([
      1,
      'the matrix of "a" is computed when it runs, and counts as one job (ci.yml:4)',
    ])
  })
  test.each([
    ['on: push\njobs:\n  a: { needs: bb }\n  b: {}\n', 'Job "a" needs "bb", and there is no such job (ci.yml:3)'],
    ['on: push\njobs:\n  a: { needs: b }\n  b: { needs: a }\n', 'a → b → a\n  a needs b (ci.yml:3)\n  b needs a (ci.yml:4)'],
  ])('%s', async (text, message) => {
    await expect(readPlan(text, { file: 'ci.yml' })).rejects.toThrow(message)
  })
})

describe('scripts', () => {
  const scripts = (more: Record<string, string>) => JSON.stringify({ name: 'p', scripts: more })
  test('&& is an order that is perhaps not meant, & and run-p run at once', async () => {
    expect(
      await links(
        scripts({
          ci: 'npm run lint && npm run build && vitest run',
          lint: 'oxlint',
          prebuild: 'clean',
          build: 'tsc & vite build',
        }),
        'package.json',
        'ci',
      ),
    ).toEqual({
      'lint: oxlint': '',
      'prebuild: clean': 'lint: oxlint?',
      'build: tsc': 'prebuild: clean?',
      'build: vite build': 'prebuild: clean?',
      'ci: vitest run': 'build: tsc?, build: vite build?',
    })
    expect(await links(scripts({ all: 'run-p lint:*', 'lint:a': 'a', 'lint:b': 'b' }), 'package.json')).toEqual({
      'lint:a: a': '',
      'lint:b: b': '',
    })
  })
  test('quotes, redirections and pipes stay whole', async () => {
    expect(Object.keys(await links(scripts({ x: 'echo "a && b" && c 2>&1 | tee log && (d && e)' }), 'package.json'))).toEqual([
      'x: echo "a && b"',
      'x: c 2>&1 | tee log',
      'x: (d && e)',
    ])
  })
  test('scripts that call one another in a circle', async () => {
    await expect(readPlan(scripts({ a: 'npm run b', b: 'npm run a' }), { file: 'package.json', target: 'a' })).rejects.toThrow(
      'a → b → a',
    )
  })
  test('a script that does not exist', async () => {
    await expect(readPlan(scripts({ build: 'x' }), { file: 'package.json', target: 'biuld' })).rejects.toMatchObject({
      hint: 'Did you mean "build"?',
    })
  })
})

test('turbo: a dry run, and a summary that knows durations', async () => {
  const task = (taskId: string, dependencies: string[], ms?: number) => ({
    taskId,
    dependencies,
    command: 'x',
    ...(ms !== undefined && { execution: { startTime: 1_000, endTime: 1_000 + ms } }),
  })
  const text = JSON.stringify({
    tasks: [task('ui#build', [], 5_000), task('web#build', ['ui#build'], 3_000), task('web#lint', [])],
  })
  const { report } = plan(await readPlan(text, { file: 'run.json' }))
  expect(report).toMatchObject({ sequential: 9, ideal: 8, unit: 's' })
})

test('Nx: a graph of tasks, and one of projects', async () => {
  const tasks = JSON.stringify({
    graph: { nodes: {}, dependencies: {} },
    tasks: {
      tasks: { 'a:build': { id: 'a:build' }, 'b:build': { id: 'b:build' } },
      dependencies: { 'b:build': ['a:build'], 'a:build': [] },
    },
  })
  expect(await links(tasks, 'graph.json')).toEqual({ 'a:build': '', 'b:build': 'a:build' })
  const projects = JSON.stringify({
    graph: { nodes: { a: {}, b: {} }, dependencies: { b: [{ source: 'b', target: 'a' }, { target: 'npm:x' }] } },
  })
  expect(await links(projects, 'graph.json')).toEqual({ a: '', b: 'a' })
})

test('make: what the goal needs, without what already is there', async () => {
  const text = `# GNU Make 4.3\n# Make data base, printed on Mon\n\n.DEFAULT_GOAL := all\n# Implicit Rules\n%.o: %.c\n\tcc\n\n# Files\n\n# Not a target:\n.SUFFIXES:\n#  Implicit rule search has not been done.\n\nall: a.o lib | dir\n#  Phony target (prerequisite of .PHONY).\n#  recipe to execute (from 'Makefile', line 2):\n\techo all\n\n# Not a target:\na.c:\n#  Implicit rule search has been done.\n\na.o: a.c\n\tcc -c a.c\n\nlib: a.o\n\tar\n\ndir:\n\tmkdir dir\n\nclean:\n\trm\n\n# files hash-table stats:\n# Load=1\n`
  expect(await links(text, 'make.txt')).toEqual({ all: 'a.o, lib, dir', 'a.o': '', lib: 'a.o', dir: '' })
  expect(await links(text, 'make.txt', 'lib')).toEqual({ lib: 'a.o', 'a.o': '' })
})
