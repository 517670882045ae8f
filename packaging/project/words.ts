import { workers } from 'heddle'

export const { count } = workers(import.meta.url, {
  count(text: string): number {
    return text.split(' ').length
  },
})
