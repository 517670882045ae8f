/** The part of the WebAssembly JavaScript interface that heddle uses; Node's type declarations leave it out. */
export interface WasmMemory {
  readonly buffer: ArrayBuffer
  /** Grows by a number of pages. Views of the old buffer become useless. */
  grow(pages: number): number
}
export type WasmFunction = (...args: number[]) => number

interface MemoryDescriptor {
  readonly initial: number
  readonly maximum: number
  /** Its buffer is a `SharedArrayBuffer` then, and it may cross to other threads. */
  readonly shared?: boolean
}

interface WebAssemblyInterface {
  readonly Memory: new (descriptor: MemoryDescriptor) => WasmMemory
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object
  readonly validate: (bytes: Uint8Array<ArrayBuffer>) => boolean
  readonly Instance: new (
    module: object,
    imports: object,
  ) => { readonly exports: Readonly<Record<string, WasmFunction | undefined>> }
}

/** Bytes of a page of WebAssembly. */
export const pageBytes = 65_536

const { Memory, Module, Instance, validate } = (globalThis as unknown as { readonly WebAssembly: WebAssemblyInterface })
  .WebAssembly

export { Instance, Memory, Module }

/** Whether this engine has all that the module uses. */
export const validates = (bytes: Uint8Array<ArrayBuffer>): boolean => validate(bytes)
