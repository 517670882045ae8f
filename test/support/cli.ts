/** Runs the built command line as a process, as users do. */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const entry = fileURLToPath(new URL('../../dist/cli.js', import.meta.url))
/** Programs that the tests run. */
export const programs = fileURLToPath(new URL('../fixtures/cli', import.meta.url))

export interface SpawnOptions {
  /** @default the folder of the test programs */
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** Called with the process when it has started. */
  readonly onSpawn?: (child: ChildProcess) => void
  /** Called with everything written so far, at each piece. */
  readonly onOutput?: (child: ChildProcess, stdout: string, stderr: string) => void
  /** In a process group of its own, as a terminal gives every command: a signal can be sent to all of it. @default false */
  readonly ownGroup?: boolean
  /** The process is killed after this. @default 30,000 */
  readonly timeoutMs?: number
}

export interface Finished {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
  readonly ms: number
}

/** Without colours, CI and workflow variables of the machine that runs the tests. */
export function spawnHeddle(args: readonly string[], options: SpawnOptions = {}): Promise<Finished> {
  const { CI: _, GITHUB_ACTIONS: __, FORCE_COLOR: ___, NO_COLOR: ____, ...inherited } = process.env
  const startedAt = performance.now()
  const child = spawn(process.execPath, [entry, ...args], {
    cwd: options.cwd ?? programs,
    env: { ...inherited, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: options.ownGroup ?? false,
    timeout: options.timeoutMs ?? 30_000,
    killSignal: 'SIGKILL',
  })
  options.onSpawn?.(child)
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    options.onOutput?.(child, stdout, stderr)
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
    options.onOutput?.(child, stdout, stderr)
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr, ms: performance.now() - startedAt }))
  })
}
