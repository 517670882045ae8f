/** The part of the WebAssembly JavaScript interface that heddle uses; Node's type declarations leave it out. */
export interface WasmMemory {
  readonly buffer: ArrayBuffer
  /** Grows by so many pages of 64 KiB; views of the old buffer die. */
  grow(pages: number): number
}
export type WasmFunction = (...args: number[]) => number

interface WebAssemblyInterface {
  readonly Memory: new (descriptor: { readonly initial: number; readonly maximum: number }) => WasmMemory
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object
  readonly Instance: new (
    module: object,
    imports: object,
  ) => { readonly exports: Readonly<Record<string, WasmFunction | undefined>> }
}

export const { Memory, Module, Instance } = (globalThis as unknown as { readonly WebAssembly: WebAssemblyInterface }).WebAssembly
