/**
 * What a program of the bench is. Each lies in a file of its own that is read from top to bottom: the functions, once as they are and once as
 * worker functions, then the same work four times: as a loop, with heddle, and split by hand over two bare workers.
 *
 * The bench loads each file twice: as it is (contained functions) and with `?consents` (a module that consents to run on the caller's thread).
 *
 * @template [Size=any] @template [Input=any]
 * @typedef {object} Program
 * @property {{ readonly small: Size, readonly full: Size }} sizes
 * @property {(size: Size) => Input | Promise<Input>} prepare Makes the input, once per contender, before anything is timed.
 * @property {(input: Input) => Input | Promise<Input>} [fresh] Makes what one run uses up (buffers that move, an array sorted in place). Not timed.
 * @property {(input: Input) => unknown} loop The plain program on one thread: the reference.
 * @property {(input: Input) => Promise<unknown>} heddle
 * @property {(input: Input, hand: import('./hand.mjs').Hand) => Promise<unknown>} byHand
 * @property {(input: Input) => Promise<unknown>} [asOne] The same with one worker function instead of a chain of them.
 * @property {(value: any, expected: any) => void} [check] Throws when a result is not what the loop gave. Default: deep equality.
 * @property {Readonly<Record<string, PeerCall>>} [peers] How to ask the other languages for the same: see peers.mjs.
 * @property {Wanted} [wanted]
 *
 * @typedef {object} PeerCall
 * @property {(input: any) => object} ask The question, without the peer's name.
 * @property {(value: any) => unknown} expect What it must answer, from what the loop gave.
 * @property {number} [rounds] As of a contender.
 *
 * @typedef {object} Wanted What the project promises of this program, beyond what it promises of all.
 * @property {number} [overLoop] How many times as fast as the loop.
 * @property {number} [overAsOne] At most this many times as slow as {@link Program.asOne}.
 * @property {Readonly<Record<string, number>>} [overPeers] How many times as fast as a peer; below 1: at most that much slower.
 */

/** For `workers(url, functions, consent(import.meta.url))`. @param {string} url */
export const consent = (url) => ({ inline: url.endsWith('?consents') })

/** The ways of one program, as contenders: which method of it does the work, and whether the module consents. */
export const ways = {
  loop: { method: 'loop', consents: false },
  contained: { method: 'heddle', consents: false },
  consenting: { method: 'heddle', consents: true },
  'as one': { method: 'asOne', consents: false },
  'by hand': { method: 'byHand', consents: false },
}
