/** As much of Fastify as is used here, so that the examples compile without it. */
declare module 'fastify' {
  interface Request {
    readonly signal: AbortSignal
  }
  interface Reply {
    code(status: number): this
    header(name: string, value: string): this
    type(contentType: string): this
    send(body?: Uint8Array): this
  }
  interface App {
    get<T extends object>(
      path: string,
      handler: (
        request: Request & { readonly params: Of<T, 'Params'>; readonly query: Of<T, 'Querystring'> },
        reply: Reply,
      ) => unknown,
    ): unknown
    addHook(name: 'onSend', hook: (request: Request, reply: Reply) => Promise<void>): unknown
    listen(where: { port: number; host: string }): Promise<string>
    close(): Promise<void>
  }
  type Of<T, K extends string> = T extends Record<K, infer V> ? V : unknown
  export default function Fastify(): App
}
