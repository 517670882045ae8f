/** The trace that a report carries: base64 of the gzipped file, which half of its size pays for. */
import { traceSource, type ViewSource } from '../../../src/dashboard/page.ts'

export async function embeddedSource(text: string): Promise<ViewSource> {
  const stream = new Blob([fromBase64(text)]).stream().pipeThrough(new DecompressionStream('gzip'))
  return traceSource(new Uint8Array(await new Response(stream).arrayBuffer()))
}

/** `atob` alone would make a string of it first, then bytes one by one: seconds for a large trace, where there is no newer way. */
function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const modern = (Uint8Array as unknown as { fromBase64?: (text: string) => Uint8Array<ArrayBuffer> }).fromBase64
  if (modern) return modern.call(Uint8Array, text)
  const letters = atob(text)
  const bytes = new Uint8Array(letters.length)
  for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i)
  return bytes
}
