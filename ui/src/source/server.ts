/** The server that the page came from, asked with the token of the page's address, which stays there so that the page can be reloaded. */
import { serverSource, ServerError, type ViewSource } from '../../../src/dashboard/page.ts'

/** How long to wait for a program that has just started. */
const againMs = 100

/** @throws {ServerError} when there is not a token, it is refused, or nobody answers */
export async function openServer(): Promise<ViewSource> {
  const token = new URL(location.href).searchParams.get('token')
  if (token === null) throw new ServerError('The address has no token.', 401)
  const source = serverSource(location.origin, token)
  return {
    ...source,
    async overview(query) {
      for (;;) {
        try {
          return await source.overview(query)
        } catch (error) {
          if (!(error instanceof ServerError) || error.status !== 503) throw error
        }
        await new Promise((resolve) => setTimeout(resolve, againMs))
      }
    },
  }
}
