/** A terminal of a given size, as a person sees it: what is on the screen, not what was written. */
import { execFileSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const command = fileURLToPath(new URL('../../dist/cli.js', import.meta.url))
const prompt = '$ '
const pollMs = 100

export function hasTmux(): boolean {
  try {
    execFileSync('tmux', ['-V'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

let terminals = 0

export class Terminal {
  #commands = 0
  readonly #name = `heddle-test-${process.pid}-${terminals++}`

  /** A shell that knows `heddle`, in a folder. */
  constructor(cwd: string, columns: number, rows = 40) {
    const { CI: _, GITHUB_ACTIONS: __, FORCE_COLOR: ___, NO_COLOR: ____, ...inherited } = process.env
    const env = { ...inherited, PS1: prompt, PROMPT_COMMAND: '', LC_ALL: 'C.UTF-8' }
    const size = ['-x', String(columns), '-y', String(rows)]
    this.#tmux(['-f', '/dev/null', 'new-session', '-d', ...size, '-c', cwd, 'stty -echoctl; exec bash --norc --noprofile'], env)
    this.#type(`heddle() { '${process.execPath}' '${command}' "$@"; }`)
  }

  /** Everything on the screen, and what has scrolled off it. */
  screen(): string {
    const text = this.#tmux(['capture-pane', '-p', '-S', '-200'])
    return text.replace(/[ \t]+$/gm, '').replace(/\n+$/, '')
  }

  /** Starts a command and returns at once. */
  start(line: string): void {
    this.#commands++
    this.#type(`clear; ${line}; echo "ended $?:${this.#commands}"`)
  }

  press(key: string): void {
    this.#tmux(['send-keys', key])
  }

  resize(columns: number, rows = 40): void {
    this.#tmux(['resize-window', '-x', String(columns), '-y', String(rows)])
  }

  /** The screen as soon as it shows that. */
  async shows(what: RegExp, timeoutMs = 30_000): Promise<string> {
    for (const began = performance.now(); ; await sleep(pollMs)) {
      const screen = this.screen()
      if (what.test(screen)) return screen
      if (performance.now() - began > timeoutMs) throw new Error(`the terminal never showed ${what}:\n${screen}`)
    }
  }

  /** What a command has shown when it has ended, and its exit code. */
  async run(line: string): Promise<{ screen: string; code: number }> {
    this.start(line)
    return this.end()
  }

  /** The same of the command that was started last. */
  async end(): Promise<{ screen: string; code: number }> {
    const end = new RegExp(`ended (\\d+):${this.#commands}$`, 'm')
    const all = await this.shows(end, 60_000)
    // A key is echoed before it.
    return { screen: all.slice(0, all.search(end)).replace(/\^C$/, '').trim(), code: Number(end.exec(all)?.[1]) }
  }

  close(): void {
    this.#tmux(['kill-server'])
  }

  #type(line: string): void {
    this.#tmux(['send-keys', '-l', line])
    this.#tmux(['send-keys', 'Enter'])
  }

  #tmux(args: readonly string[], env?: NodeJS.ProcessEnv): string {
    return execFileSync('tmux', ['-u', '-L', this.#name, ...args], { encoding: 'utf8', ...(env && { env }) })
  }
}
