import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** How long the file that leads to the page stays: a browser that has to start may take this long. */
const startMs = 20_000

/**
 * Opens an address in the browser of the person at the terminal; does nothing where nobody sits, and never fails. The command line of a process is for every
 * user of a machine to see, so the browser gets a file that only this user may read and that leads to the address, not the address with its token.
 */
export function openBrowser(url: string, env = process.env): void {
  const ci = env.CI !== undefined && env.CI !== '' && env.CI !== 'false'
  if (!process.stderr.isTTY || ci) return
  const [command, ...args] = opener(env)
  if (command === undefined) return
  try {
    const folder = mkdtempSync(join(tmpdir(), 'heddle-'))
    const remove = (): void => rmSync(folder, { recursive: true, force: true })
    const file = join(folder, 'open.html')
    writeFileSync(
      file,
      `<!doctype html><meta name="referrer" content="no-referrer"><script>location.replace(${JSON.stringify(url)})</script>`,
      {
        mode: 0o600,
      },
    )
    setTimeout(remove, startMs).unref()
    process.once('exit', remove)
    const child = spawn(command, [...args, pathToFileURL(file).href], { stdio: 'ignore', detached: true })
    child.on('error', () => undefined)
    child.unref()
  } catch {
    // The terminal shows the address.
  }
}

function opener(env: NodeJS.ProcessEnv): readonly string[] {
  if (process.platform === 'darwin') return ['open']
  if (process.platform === 'win32') return ['rundll32', 'url.dll,FileProtocolHandler']
  const screen = env.DISPLAY ?? env.WAYLAND_DISPLAY ?? env.WSL_DISTRO_NAME
  return screen === undefined ? [] : ['xdg-open']
}
