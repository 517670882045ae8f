// @ts-check
/** The broadcast values that this worker got: bytes until a call asks for the value, and one value for all calls from then on. */
import { Broadcast, received } from '../../encoding/broadcast.js'
import { unseal } from '../../encoding/sealed.js'

/** @param {import('../protocol.ts').BroadcastMessage} message */
export function receive({ id, size, bytes, value }) {
  const read = () => (bytes ? unseal(bytes) : value)
  received().set(id, new Broadcast(id, size, read, () => void received().delete(id)))
}

/** @param {number} id */
export function drop(id) {
  received().get(id)?.dispose()
}

/** @param {number} id */
export function broadcastHere(id) {
  return received().get(id)
}
