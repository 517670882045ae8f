/**
 * The URL of a file of this package, from where a module lies. Bundlers take `new URL('…', import.meta.url)` for a file to include, and fail where
 * there is none; here they see only a value.
 *
 * @param module its `import.meta.url`
 */
export function fileBeside(module: string, path: string): URL {
  return new URL(path, module)
}
