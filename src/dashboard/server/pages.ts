/** The page that `ui` builds into one file: as it is served, and as the report that opens offline around a trace. */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { fileBeside } from '../../base/package-url.ts'
import { HeddleError } from '../../base/errors.ts'
import { embeddedTraceId } from '../protocol.ts'

const folder = fileBeside(import.meta.url, import.meta.url.endsWith('.ts') ? '../../../dist/ui/' : './ui/')

function read(name: string): string {
  const path = fileURLToPath(new URL(name, folder))
  if (existsSync(path)) return readFileSync(path, 'utf8')
  throw new HeddleError('The page of the dashboard is missing from this copy of heddle', {
    hint: `npm run build makes it: ${path}`,
  })
}

export interface Page {
  readonly html: string
  /** What it may load and run: its own scripts, by their hashes, and nothing from anywhere else. */
  readonly policy: string
}

let page: Page | undefined

/** @throws {HeddleError} when the page has not been built */
export function servedPage(): Page {
  if (!page) {
    const html = read('index.html')
    page = { html, policy: `${policyOf(html, "'self'")}; frame-ancestors 'none'` }
  }
  return page
}

/**
 * A report that opens offline: the page, and the trace as base64 of gzip, which has no letter that could end the element it stands in.
 * @param trace a `.heddle` file
 * @throws {HeddleError} when the page has not been built
 */
export async function writeReport(trace: Uint8Array): Promise<Uint8Array> {
  const page = read('index.html')
  const model = `<script>${read('report.js')}</script>`
  const packed = await promisify(gzip)(trace)
  const head = page.indexOf('<head>') + '<head>'.length
  const end = page.lastIndexOf('</body>')
  const policy = `<meta http-equiv="Content-Security-Policy" content="${policyOf(page + model, "'none'")}">`
  const data = `<script type="application/octet-stream" id="${embeddedTraceId}">${packed.toString('base64')}</script>`
  return Buffer.from(`${page.slice(0, head)}${policy}${page.slice(head, end)}${model}${data}${page.slice(end)}`)
}

function policyOf(html: string, connect: string): string {
  const scripts = Array.from(html.matchAll(/<script\b[^>]*>([\s\S]*?)<\/script>/g), ([, text = '']) => text).filter(Boolean)
  const hashes = scripts.map((text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`)
  return [
    "default-src 'none'",
    `script-src ${hashes.join(' ') || "'none'"}`,
    // The page sets widths and colours on elements; styles cannot run anything, and images cannot be fetched.
    "style-src 'unsafe-inline'",
    'img-src data: blob:',
    `connect-src ${connect}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')
}
