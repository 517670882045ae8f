/** Lets the event loop turn once: what timers, I/O and promises had ready has happened then. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Lets it turn so many times. */
export async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await turn()
}
