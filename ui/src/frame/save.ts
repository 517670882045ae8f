/** Saves an export as a file. */
import { signal } from '@preact/signals'
import { exportFiles, type ReportFormat } from '../../../src/dashboard/page.ts'
import type { Model } from '../state/model.ts'

export const saving = signal(false)
/** What the last one failed with. */
export const saveError = signal<string | undefined>(undefined)

export async function save(model: Model, format: ReportFormat): Promise<void> {
  if (saving.peek()) return
  saving.value = true
  saveError.value = undefined
  try {
    const bytes = await model.source.export({ format })
    const { type, extension } = exportFiles[format]
    const url = URL.createObjectURL(new Blob([bytes as Uint8Array<ArrayBuffer>], { type }))
    const link = document.createElement('a')
    link.href = url
    link.download = `${fileName(model.head.peek()?.name)}.${extension}`
    link.click()
    // The browser reads the blob after the click has returned.
    setTimeout(() => URL.revokeObjectURL(url), 60_000)
  } catch (error) {
    saveError.value = error instanceof Error ? error.message : String(error)
  } finally {
    saving.value = false
  }
}

/** The last part of a path, with nothing in it that a file system may mind. */
export function fileName(name = ''): string {
  const last = name.split(/[/\\]/).at(-1) ?? ''
  const clean = last.replace(/[^\p{L}\p{N}._-]+/gu, '-').replace(/^[-.]+|[-.]+$/g, '')
  return clean === '' ? 'trace' : clean.slice(0, 80)
}
