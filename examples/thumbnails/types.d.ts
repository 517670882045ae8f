/** As much of sharp as is used here, so that the examples compile without it. */
declare module 'sharp' {
  export interface Sharp {
    rotate(): Sharp
    resize(width: number, height: number, options: { fit: 'cover' }): Sharp
    webp(options: { quality: number }): Sharp
    toFile(path: string): Promise<{ size: number }>
  }
  interface Raw {
    readonly raw: { readonly width: number; readonly height: number; readonly channels: number }
  }
  const sharp: ((file: string | Uint8Array, pixels?: Raw) => Sharp) & { concurrency(threads: number): number }
  export default sharp
}
