/** A number with what it counts: `1 task`, `1,200 tasks`. @param plural @default with an `s` */
export function counted(count: number, one: string, plural = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : plural}`
}
