/** What globals do, and the methods of builtins. */
import { type Known, type KnownCall, nothing, ordered } from './known.ts'
import { request } from './libraries.ts'

const consoleCall: Known = { writes: ['@console'] }

/** Globals, by the first name and what follows it. */
export function knownGlobal(call: KnownCall): Known | undefined {
  const [root = '', member] = call.path
  switch (root) {
    case 'fetch':
      return request(call)
    case 'console':
      return consoleCall
    case 'setTimeout':
    case 'setInterval':
    case 'setImmediate':
    case 'queueMicrotask':
      return { calls: true }
    case 'Promise':
      return { calls: true }
    case 'process':
      if (member === 'exit' || member === 'chdir' || member === 'kill')
        return { writes: ['@process'], ordered: 'it changes the process' }
      return member === 'stdout' || member === 'stderr' ? consoleCall : { reads: ['@process'] }
    case 'Math':
      return member === 'random' ? { reads: ['@random'] } : nothing
    case 'Date':
    case 'performance':
      return { reads: ['@clock'] }
    case 'JSON':
    case 'decodeURI':
    case 'decodeURIComponent':
      return { throws: true, calls: true }
    case 'Object':
      if (member === 'assign' || member === 'defineProperty' || member === 'defineProperties') return { changes: 0 }
      return member === 'setPrototypeOf' ? undefined : nothing
    case 'confirm':
    case 'alert':
    case 'prompt':
      return ordered('it asks a person')
    default:
      return pureGlobals.has(root) ? { calls: true } : undefined
  }
}

const pureGlobals = new Set(
  `Array Boolean Number String BigInt Symbol Intl parseInt parseFloat isNaN isFinite encodeURI encodeURIComponent structuredClone Map Set
   WeakMap WeakSet URL URLSearchParams Error TypeError RangeError SyntaxError RegExp Buffer TextEncoder TextDecoder Uint8Array Int8Array
   Uint16Array Int16Array Uint32Array Int32Array Float32Array Float64Array ArrayBuffer DataView AbortController Headers Request Response
   FormData Blob File atob btoa Reflect Proxy AggregateError DOMException URLPattern`.split(/\s+/),
)

/** Methods of builtins that change their receiver. */
export const changesReceiver: Readonly<Record<string, ReadonlySet<string>>> = {
  Array: new Set('push pop shift unshift splice sort reverse fill copyWithin'.split(' ')),
  Map: new Set('set delete clear append sort'.split(' ')),
  Set: new Set('add delete clear'.split(' ')),
  Date: new Set(['setTime', 'setFullYear', 'setMonth', 'setDate', 'setHours', 'setMinutes', 'setSeconds', 'setMilliseconds']),
  RegExp: new Set(['exec', 'test']),
}

/** Names that only builtins have in practice, for receivers of which nothing is known. */
export const builtinMethods: ReadonlySet<string> = new Set(
  `map filter reduce reduceRight some every find findIndex findLast flatMap flat includes indexOf lastIndexOf join slice concat at
   toSorted toReversed keys values entries trim trimStart trimEnd split toLowerCase toUpperCase startsWith endsWith padStart padEnd
   replace replaceAll match matchAll charAt charCodeAt codePointAt substring substr repeat toString toFixed toISOString localeCompare
   hasOwnProperty toJSON getTime valueOf normalize getFullYear getMonth getDate toLocaleString toLocaleDateString toPrecision isFile
   isDirectory isSymbolicLink json text arrayBuffer blob formData bytes subarray readUInt8 readUInt32LE getReader push pop shift unshift splice sort reverse fill forEach`.split(
    /\s+/,
  ),
)
export const changingMethods: ReadonlySet<string> = new Set('push pop shift unshift splice sort reverse fill'.split(' '))
