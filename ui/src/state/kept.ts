/** Small things that the browser keeps for the next visit. Pages opened from files may have no storage: then nothing is kept. */
export function kept(key: string, value?: string): string | undefined {
  try {
    if (value === undefined) return localStorage.getItem(key) ?? undefined
    if (value === '') localStorage.removeItem(key)
    else localStorage.setItem(key, value)
    return value
  } catch {
    return undefined
  }
}
