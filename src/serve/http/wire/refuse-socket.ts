/** Answers to what is no request that Node could read: below the exchange, on the bare socket. */
import type { Socket } from 'node:net'

/** Says why, in OpenAI's form, and closes the connection. */
export function refuseSocket(socket: Socket, status: 400 | 408 | 431): void {
  if (!socket.writable) return void socket.destroy()
  const message = {
    400: 'The request is not HTTP/1.1.',
    408: 'The request did not come in time.',
    431: 'The head is too large.',
  }[status]
  const reason = { 400: 'Bad Request', 408: 'Request Timeout', 431: 'Request Header Fields Too Large' }[status]
  const code = { 400: 'bad_request', 408: 'request_timeout', 431: 'head_too_large' }[status]
  const body = JSON.stringify({ error: { message, type: 'invalid_request_error', param: null, code } })
  socket.end(
    `HTTP/1.1 ${status} ${reason}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}
