/** As much of piscina as is used here, so that the examples compile without it. */
declare module 'piscina' {
  export class Piscina<T, R> {
    constructor(options: { filename: string; maxThreads: number; maxQueue: number })
    run(task: T): Promise<R>
    destroy(): Promise<void>
  }
}
