/** As much of sharp as is used here, so that the examples compile without it. */
declare module 'sharp' {
  interface Sharp {
    rotate(): Sharp
    resize(width: number, height: number, options: { fit: 'cover' }): Sharp
    webp(options: { quality: number }): Sharp
    toFile(path: string): Promise<{ size: number }>
  }
  const sharp: ((file: string) => Sharp) & { concurrency(threads: number): number }
  export default sharp
}
