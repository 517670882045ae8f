/**
 * A server that collapses beyond its knee. Up to `knee` requests at once are answered after about 20 ms. One more is refused with
 * 503 after 5 ms, and while there are more, everybody else takes longer, as much as the server is overloaded. The parent process
 * moves the knee by a message.
 */
import { createServer } from 'node:http'

let knee = 24
/** Requests that are being worked on, and those that are being refused as well. */
let [working, open] = [0, 0]

const server = createServer((_request, response) => {
  open++
  const refused = working >= knee
  if (!refused) working++
  const overload = Math.max(1, open / knee)
  setTimeout(
    () => {
      open--
      if (!refused) working--
      response.writeHead(refused ? 503 : 200)
      response.end()
    },
    refused ? 5 : (15 + 10 * Math.random()) * overload ** 2,
  )
})
server.keepAliveTimeout = 60_000

process.on('message', (/** @type {number} */ to) => {
  knee = to
  process.send?.('moved')
})
process.on('disconnect', () => process.exit())
server.listen(0, '127.0.0.1', () => process.send?.(/** @type {import('node:net').AddressInfo} */ (server.address()).port))
