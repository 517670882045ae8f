/** The command line as users meet it: real processes, their output, and how they end. */
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { readTrace } from '../src/trace/index.ts'
import { importTrace } from './support/perfetto.ts'
import { programs, spawnHeddle } from './support/cli.ts'

const folder = mkdtempSync(join(tmpdir(), 'heddle-cli-'))
afterAll(() => rmSync(folder, { recursive: true }))
const file = (name: string): string => join(folder, name)

/** No line of a stack trace: neither Node's nor ours. */
const stackLine = /^\s+at .*:\d+:\d+\)?$/m

describe.concurrent('heddle run', () => {
  test('runs a script with its arguments, results on stdout and the verdict on stderr', async () => {
    const { code, stdout, stderr } = await spawnHeddle(['run', 'script.ts', 'one', '--two'])
    expect(code).toBe(0)
    expect(stdout).toBe('pages 12, arguments ["one","--two"]\n')
    const [speedup, bound, idle] = stderr.trim().split('\n')
    expect(speedup).toMatch(/^\d.* → \d.*, \d.*× \(.* against wall time.*\)$/)
    expect(bound).toMatch(/^bound by map "fetchPage" \(\d+ in a row\) \(.*of the wall time\)$/)
    expect(idle).toMatch(/^4 at once (idle|busy) \d+ %/)
  })

  test('explains many tasks in a process of its own, and leaves no file behind', async () => {
    const before = new Set(readdirSync(tmpdir()))
    const { code, stdout } = await spawnHeddle(['run', '--json', 'many.ts'])
    expect(code).toBe(0)
    const { groups, verdict, criticalPath } = JSON.parse(stdout) as {
      groups: unknown
      verdict: string[]
      criticalPath: { ms: { work: number } }
    }
    expect(groups).toMatchObject([{ label: 'map "twice"', tasks: 250_000, done: 250_000 }])
    expect(verdict[0]).toContain('against wall time')
    expect(criticalPath.ms.work).toBeGreaterThan(0)
    const left = readdirSync(tmpdir()).filter((name) => /^heddle-[^-]{6}$/.test(name) && !before.has(name))
    expect(left).toEqual([])
  })

  test('keeps traces to their owner, also one that was there before', async () => {
    const [trace, report] = [file('owned.heddle'), file('owned.json')]
    const modeOf = (path: string): number => statSync(path).mode & 0o777
    await spawnHeddle(['run', '--trace', trace, 'function.ts'])
    expect(modeOf(trace)).toBe(0o600)
    chmodSync(trace, 0o644)
    await spawnHeddle(['run', '--trace', trace, 'function.ts'])
    expect(modeOf(trace)).toBe(0o600)
    await spawnHeddle(['trace', '--export', 'chrome', '--output', report, trace])
    expect(modeOf(report)).toBe(0o600)
  })

  test('calls a default export with the arguments, and prints what it gives', async () => {
    expect((await spawnHeddle(['run', 'function.ts', 'text', 'a', 'b'])).stdout).toBe('working\na b\n')
    expect((await spawnHeddle(['run', 'function.ts'])).stdout).toBe('working\n{ left: 1, right: 2 }\n')
    expect((await spawnHeddle(['run', 'plain.mjs', 'x'])).stdout).toBe('plain 1\n')
  })

  test('runs a graph, or shows its plan and runs nothing', async () => {
    const ran = await spawnHeddle(['run', 'graph.ts'])
    expect(ran.stdout).toContain('released')
    expect(ran.stderr).toContain('bound by schema → api')
    const planned = await spawnHeddle(['run', '--dry-run', 'graph.ts'])
    expect(planned).toMatchObject({ code: 0, stderr: '' })
    expect(planned.stdout).toMatch(/schema.*api.*release/s)
    const json = JSON.parse((await spawnHeddle(['run', '-n', '--json', '--concurrency', '2', 'graph.ts'])).stdout) as object
    expect(json).toMatchObject({ graph: 'ship', concurrency: 2, spanMs: 45, criticalPath: ['schema', 'api', 'release'] })
  })

  test('plans only what can be a graph, and loads nothing else', async () => {
    const work = `import { writeFileSync } from 'node:fs'\nwriteFileSync(${JSON.stringify(file('ran'))}, 'x')\n`
    const refused = {
      'script.ts': "// export default graph('x')\nconst text: string = 'export default graph'\nvoid text\n",
      'function.mts': 'export default async function main(): Promise<void> {}\n',
      'arrow.ts': 'const main = async (text: string): Promise<string> => text\nexport default main\n',
      'renamed.mjs': 'function main() {}\nexport { main as default }\n',
      'class.ts': 'export default class Ship {}\n',
      'named.mjs': 'export const exported = 1\n',
    }
    for (const [name, source] of Object.entries(refused)) {
      writeFileSync(file(name), work + source)
      const { code, stdout, stderr } = await spawnHeddle(['run', '-n', file(name)])
      expect([name, code, stdout]).toEqual([name, 2, ''])
      expect(stderr).toContain('Only a graph can be planned')
      expect(existsSync(file('ran'))).toBe(false)
    }
    writeFileSync(file('made.ts'), 'const make = (): number => 1\nexport default make()\n')
    expect((await spawnHeddle(['run', '-n', file('made.ts')])).stderr).toContain('its top level has run')
    writeFileSync(file('again.ts'), `export { default } from ${JSON.stringify(join(programs, 'graph.ts'))}\n`)
    expect((await spawnHeddle(['run', '-n', file('again.ts')])).stdout).toContain('graph "ship"')
  })

  test('bounds a graph by -j and --concurrency', async () => {
    writeFileSync(
      join(programs, 'wide-test.ts'),
      `import { graph } from 'heddle'
       let running = 0, most = 0
       const g = graph('wide')
       for (let i = 0; i < 10; i++) g.task('t' + i, async () => {
         most = Math.max(most, ++running)
         await new Promise((resolve) => setTimeout(resolve, 20))
         running--
         return most
       })
       export default g`,
    )
    try {
      for (const option of [['-j', '2'], ['-j3'], ['--concurrency', '4'], ['--concurrency=5']]) {
        const { stdout } = await spawnHeddle(['run', ...option, 'wide-test.ts'])
        expect(Math.max(...[...stdout.matchAll(/: (\d+)/g)].map(([, most]) => Number(most)))).toBe(Number(option.at(-1)?.at(-1)))
      }
    } finally {
      rmSync(join(programs, 'wide-test.ts'))
    }
  })

  test('gives a function its arguments one by one, also after --', async () => {
    writeFileSync(file('sum.ts'), 'export default (a: string, b: string) => ({ sum: Number(a) + Number(b) })\n')
    writeFileSync(file('compiled.cjs'), 'exports.__esModule = true\nexports.default = (a, b) => a + b\n')
    for (const args of [
      ['1', '2'],
      ['--', '1', '2'],
    ]) {
      expect((await spawnHeddle(['run', file('sum.ts'), ...args])).stdout).toBe('{ sum: 3 }\n')
      expect((await spawnHeddle(['run', file('compiled.cjs'), ...args])).stdout).toBe('12\n')
    }
  })

  test('is suggested where the command was left out', async () => {
    for (const name of ['live.ts', 'graph.ts', './build.mjs']) {
      expect((await spawnHeddle([name])).stderr).toContain(`did you mean heddle run ${name}?`)
    }
  })

  test('names the task that the program failed of, not one whose like was handled', async () => {
    const { stderr, code } = await spawnHeddle(['run', 'fails.ts', 'twice'])
    expect(code).toBe(1)
    expect(stderr).toMatch(/RangeError: no answer\n {2}in map "second"\[2\]/)
  })

  test('writes one JSON document on stdout, whatever the program prints and gives', async () => {
    const { stdout, stderr } = await spawnHeddle(['run', '--json', 'function.ts', 'big'])
    const document = JSON.parse(stdout) as object
    expect(document).toMatchObject({ ok: true, exitCode: 0, value: { big: '10', list: [1, 2], map: { a: 1 } }, advice: [] })
    expect(stderr).toBe('working\n')
  })

  test('runs worker modules in TypeScript, and records where their functions ran', async () => {
    const { code, stdout, stderr } = await spawnHeddle([
      'run',
      '--concurrency',
      '2',
      '--trace',
      file('workers.heddle'),
      'on-workers.ts',
    ])
    expect([code, stdout]).toEqual([0, `${Array.from({ length: 200 }, (_, i) => i * i).reduce((a, b) => a + b)}\n`])
    expect(stderr).toMatch(/worker/)
    const { tasks, meta } = readTrace(file('workers.heddle'))
    expect(meta.complete).toBe(true)
    expect(tasks.count).toBe(200)
    const rows = new Set([...tasks.row].filter((row) => row > 0))
    expect(rows.size).toBeGreaterThan(0)
    expect(rows.size).toBeLessThanOrEqual(2)
  })

  test('loads TypeScript that is more than types', async () => {
    writeFileSync(file('enums.ts'), 'enum Level { Low, High }\nexport default (): string => Level[Level.High] as string\n')
    expect(await spawnHeddle(['run', file('enums.ts')])).toMatchObject({ code: 0, stdout: 'High\n' })
  })
})

describe.concurrent('a program that fails', () => {
  const run = (how: string) => spawnHeddle(['run', 'fails.ts', how])

  test.each([
    ['map', 'RangeError: no item 2'],
    ['uncaught', 'RangeError: no from a timer'],
    ['rejection', 'TypeError: nobody awaited this'],
    ['text', 'error: a value that is not an Error was thrown: "only text" (string)'],
    ['stuck', 'error: The program waits for something that cannot come any more'],
    ['option', 'error: Unknown option `concurency` of map'],
    ['cause', 'Error: the report could not be made'],
  ])('ends with 1 and says what happened, last and without a stack: %s', async (how, message) => {
    const { code, stderr } = await run(how)
    expect(code).toBe(1)
    expect(stderr.split('\n').filter((line) => line.startsWith(message))).toHaveLength(1)
    expect(stderr).not.toMatch(stackLine)
    // Nothing of the verdict comes after it.
    expect(stderr.slice(stderr.indexOf(message))).not.toContain('wall time')
  })

  test('shows the place in its own code, the cause, the hint and the code', async () => {
    expect((await run('map')).stderr).toMatch(
      /RangeError: no item 2\n {2}in map\[1\]\n {2}at fails\.ts:\d+\n(.*\n)*?\s+> \d+ \|\s+throw new RangeError/,
    )
    expect((await run('cause')).stderr).toContain('because: RangeError: too many pages')
    expect((await run('option')).stderr).toMatch(/\[HEDDLE_INVALID_OPTION\][^]*hint: Did you mean `concurrency`\?/)
  })

  test('tells failures that the program lived with, and ends with 0', async () => {
    const { code, stdout, stderr } = await run('settle')
    expect([code, stdout]).toEqual([0, '3\n'])
    expect(stderr).toContain('✗ map[0] and 2 more: RangeError: no odd 1')
  })

  test('names the function of a worker module that failed', async () => {
    const { code, stderr } = await spawnHeddle(['run', 'on-workers.ts', 'fail'])
    expect(code).toBe(1)
    expect(stderr).toMatch(/RangeError: no 7\n {2}in call "refuse"\[0\]\n {2}at worker-module\.ts:\d+/)
  })

  test('keeps the exit code that the program chose', async () => {
    expect((await spawnHeddle(['run', 'function.ts', 'exit', '7'])).code).toBe(7)
    expect((await spawnHeddle(['run', 'function.ts', 'code', '5'])).code).toBe(5)
  })

  test('says where a file cannot be parsed', async () => {
    writeFileSync(file('broken.ts'), 'const fine = 1\nexport const broken: number = = fine\n')
    writeFileSync(file('broken.mjs'), 'const fine = 1\nexport const broken = = fine\n')
    for (const name of ['broken.ts', 'broken.mjs']) {
      const { code, stderr } = await spawnHeddle(['run', file(name)])
      expect(code).toBe(1)
      expect(stderr).toMatch(/^SyntaxError: .*\n\s+at .*broken\.m?[jt]s:2\n/m)
      expect(stderr).toContain('> 2 | export const broken')
    }
  })
})

/** No process of the group is left. */
function isGone(group: number): boolean {
  try {
    return process.kill(-group, 0) && false
  } catch {
    return true
  }
}

describe.concurrent('Ctrl-C', () => {
  /** Sends the signals, the first once the program runs; it has half the time that its tasks would take. */
  function interrupt(signals: readonly NodeJS.Signals[], how = 'polite') {
    let sent = 0
    return spawnHeddle(['run', 'slow.ts', how], {
      onOutput(child, stdout, stderr) {
        if (sent === 0 && !stdout.includes('started')) return
        if (sent === 1 && !stderr.includes('draining')) return
        const signal = signals[sent]
        if (!signal) return
        // The same signal within a moment is the same one, twice.
        if (sent++ === 0) child.kill(signal)
        else setTimeout(() => child.kill(signal), 250)
      },
    })
  }

  test('cancels what runs, lets it clean up, and ends with 130', async () => {
    const { code, stdout, stderr } = await interrupt(['SIGINT'])
    expect(code).toBe(130)
    expect(stderr).toContain('draining, press again to force')
    expect(stdout).toBe('started\ncleaned up\ncleaned up\n')
  })

  test.skipIf(process.platform === 'win32')('drains as well when the terminal sends it to the whole group', async () => {
    let sent = false
    const { code, stdout, stderr } = await spawnHeddle(['run', 'slow.ts', 'polite'], {
      ownGroup: true,
      onOutput(child, out) {
        if (!sent && out.includes('started')) sent = process.kill(-(child.pid as number), 'SIGINT')
      },
    })
    expect([code, stdout]).toEqual([130, 'started\ncleaned up\ncleaned up\n'])
    expect(stderr).not.toContain('held the main thread')
  })

  test('ends a program whose tasks do not hear it', async () => {
    expect((await interrupt(['SIGINT'], 'deaf')).code).toBe(130)
  })

  test('ends at once when it is pressed again', async () => {
    expect((await interrupt(['SIGINT', 'SIGINT'], 'deaf')).code).toBe(130)
  })

  test.skipIf(process.platform === 'win32')('ends a program whose main thread is held, and leaves nothing behind', async () => {
    let group = 0
    const { signal, stderr } = await spawnHeddle(['run', 'slow.ts', 'held'], {
      ownGroup: true,
      onOutput(child, stdout) {
        if (group !== 0 || !stdout.includes('started')) return
        group = child.pid as number
        process.kill(-group, 'SIGINT')
      },
    })
    expect(signal).toBe('SIGKILL')
    expect(stderr).toContain('synchronous code held the main thread')
    await vi.waitFor(() => expect(isGone(group)).toBe(true), { timeout: 5_000 })
  })

  test('is told from SIGTERM by 143', async () => {
    expect((await interrupt(['SIGTERM'])).code).toBe(143)
  })
})

describe.concurrent('reporters', () => {
  test('write plain lines in CI', async () => {
    const { stderr } = await spawnHeddle(['run', 'script.ts'], { env: { CI: 'true' } })
    expect(stderr).toMatch(/^✓ map "fetchPage": \d/m)
    expect(stderr).not.toContain('\u001B')
  })

  test('annotate the failing line and fill the summary on GitHub', async () => {
    const summary = file('summary.md')
    const { stderr, code } = await spawnHeddle(['run', 'fails.ts', 'map'], {
      env: { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: summary },
    })
    expect(code).toBe(1)
    expect(stderr).toMatch(/^::error file=fails\.ts,line=\d+,title=RangeError::no item 2$/m)
    expect(readFileSync(summary, 'utf8')).toMatch(
      /^### heddle\n\n- \*\*failed\*\*: RangeError: no item 2 \(fails\.ts:\d+\)\n- (?:.*wall time|too little work to judge)/,
    )
  })

  test('tell GitHub of places from the root of the repository', async () => {
    const { stderr } = await spawnHeddle(['run', '--reporter', 'github', 'fails.ts', 'map'], {
      env: { GITHUB_WORKSPACE: dirname(programs) },
    })
    expect(stderr).toMatch(/^::error file=cli\/fails\.ts,line=\d+/m)
  })

  test('say nothing but errors with -q', async () => {
    expect((await spawnHeddle(['run', '-q', 'script.ts'])).stderr).toBe('')
    expect((await spawnHeddle(['run', '-q', 'fails.ts', 'map'])).stderr).toMatch(/^RangeError: no item 2\n/)
  })

  test('colour as FORCE_COLOR, NO_COLOR and --no-color say', async () => {
    const colour = '\u001B['
    expect((await spawnHeddle(['run', 'script.ts'], { env: { FORCE_COLOR: '1' } })).stderr).toContain(colour)
    expect((await spawnHeddle(['run', 'script.ts'], { env: { FORCE_COLOR: '1', NO_COLOR: '1' } })).stderr).not.toContain(colour)
    expect((await spawnHeddle(['run', '--no-color', 'script.ts'], { env: { FORCE_COLOR: '1' } })).stderr).not.toContain(colour)
  })
})

describe.concurrent('heddle trace', () => {
  test('is never written over something else', async () => {
    const path = file('program.ts')
    writeFileSync(path, 'export default () => 1\n')
    const { code, stderr } = await spawnHeddle(['run', '--trace', path, path])
    expect([code, stderr]).toEqual([2, expect.stringContaining('the file there is not a trace, and would be overwritten')])
    expect(readFileSync(path, 'utf8')).toBe('export default () => 1\n')
    for (const _ of [1, 2]) expect((await spawnHeddle(['run', '--trace', file('again.heddle'), 'plain.mjs'])).code).toBe(0)
    expect(readTrace(file('again.heddle')).meta.complete).toBe(true)
  })

  test('explains a recorded run, for people and for programs', async () => {
    await spawnHeddle(['run', '--trace', file('run.heddle'), 'script.ts'])
    const { code, stdout, stderr } = await spawnHeddle(['trace', file('run.heddle')])
    expect([code, stderr]).toEqual([0, ''])
    for (const title of ['What to do', 'Where the time went', 'Critical path', 'Groups']) expect(stdout).toContain(`\n${title}\n`)
    const json = JSON.parse((await spawnHeddle(['trace', '--json', file('run.heddle')])).stdout) as object
    expect(json).toMatchObject({ groups: [{ label: 'map "fetchPage"', tasks: 12, done: 12 }] })
  })

  test('reads what a killed program left', async () => {
    const path = file('killed.heddle')
    const { signal } = await spawnHeddle(['run', '--trace', path, 'slow.ts'], {
      onOutput(child, stdout) {
        if (!stdout.includes('started')) return
        const poll = setInterval(() => {
          if (existsSync(path) && readTrace(path).tasks.count > 0) child.kill('SIGKILL')
        }, 20)
        child.on('exit', () => clearInterval(poll))
      },
    })
    expect(signal).toBe('SIGKILL')
    const { code, stdout } = await spawnHeddle(['trace', path])
    expect(code).toBe(0)
    expect(stdout).toContain('The program ended before its trace did')
    expect(readTrace(path).tasks.count).toBe(2)
  })

  test('exports to a file and to stdout', async () => {
    await spawnHeddle(['run', '--trace', file('graph.heddle'), 'graph.ts'])
    expect(await spawnHeddle(['trace', '--export', 'chrome', '-o', file('graph.json'), file('graph.heddle')])).toMatchObject({
      code: 0,
      stdout: '',
    })
    expect(importTrace(readFileSync(file('graph.json'), 'utf8')).arrows).toEqual([
      ['schema', 'api'],
      ['api', 'release'],
    ])
    expect((await spawnHeddle(['trace', '--export', 'mermaid', file('graph.heddle')])).stdout).toContain('flowchart LR')
  })

  test('compares runs with different numbers of workers', async () => {
    for (const workers of ['1', '2']) {
      await spawnHeddle(['run', '--concurrency', workers, '--trace', file(`${workers}.heddle`), 'on-workers.ts'])
    }
    const { code, stdout } = await spawnHeddle(['trace', 'compare', file('1.heddle'), file('2.heddle')])
    expect(code).toBe(0)
    expect(stdout).toMatch(/workers\s+tasks\s+wall\s+work\s+speedup\s+idle/)
  })
})

describe.concurrent('help', () => {
  test('is short, with two examples', async () => {
    for (const args of [[], ['run'], ['trace'], ['--help'], ['run', '--help'], ['help', 'trace']]) {
      const { code, stdout, stderr } = await spawnHeddle(args)
      expect([code, stderr]).toEqual([0, ''])
      expect(stdout.match(/^ {2}heddle .+/gm)).toHaveLength(2)
      expect(stdout.split('\n').length).toBeLessThan(30)
    }
  })

  test('gives the version, and nothing else', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
    expect(await spawnHeddle(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' })
  })

  test('asks what was meant, and runs nothing', async () => {
    expect(await spawnHeddle(['rnu', 'script.ts'])).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('did you mean heddle run?') as string,
    })
    expect(await spawnHeddle(['run', '--jsno', 'script.ts'])).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('did you mean --json?') as string,
    })
  })

  test('completes in the shells', async () => {
    for (const shell of ['bash', 'zsh', 'fish']) {
      const { code, stdout } = await spawnHeddle(['completion', shell])
      expect(code).toBe(0)
      expect(stdout).toContain('dry-run')
    }
    const { stdout } = await spawnHeddle(['completion', 'bash'])
    const complete = (line: string): string =>
      execFileSync(
        'bash',
        ['-c', `${stdout}\nCOMP_WORDS=(${line}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _heddle; echo "\${COMPREPLY[@]}"`],
        { encoding: 'utf8' },
      ).trim()
    expect(complete('heddle tr')).toBe('trace')
    expect(complete('heddle run --reporter gi')).toBe('github')
    expect(complete('heddle trace --exp')).toBe('--export')
  })
})
