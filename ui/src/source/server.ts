/** The server that the page came from, asked with the token of the page's address. */
import { serverSource, ServerError, type ViewSource } from '../../../src/dashboard/page.ts'

const tokenKey = 'heddle-token'

/** @throws {ServerError} when there is no token */
export async function openServer(): Promise<ViewSource> {
  const token = takeToken()
  if (token === undefined) throw new ServerError('The address has no token.', 401)
  const source = serverSource(location.origin, token)
  return {
    ...source,
    async overview(query) {
      try {
        return await source.overview(query)
      } catch (error) {
        // A refused token must not be kept: the next visit would be refused with it too.
        if (error instanceof ServerError && (error.status === 401 || error.status === 403)) keep(undefined)
        throw error
      }
    },
  }
}

/** Out of the address, so that it is not copied along with it; kept for as long as the tab is open, so that it can be reloaded. */
function takeToken(): string | undefined {
  const url = new URL(location.href)
  const given = url.searchParams.get('token')
  if (given === null) {
    try {
      return sessionStorage.getItem(tokenKey) ?? undefined
    } catch {
      return undefined
    }
  }
  // Without storage the address keeps it: else the page could not be reloaded.
  if (keep(given)) {
    url.searchParams.delete('token')
    history.replaceState(null, '', url)
  }
  return given
}

function keep(token: string | undefined): boolean {
  try {
    if (token === undefined) sessionStorage.removeItem(tokenKey)
    else sessionStorage.setItem(tokenKey, token)
    return true
  } catch {
    return false
  }
}
