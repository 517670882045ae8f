/** Light or dark: what the system prefers, until somebody switches; kept for the next visit. */
import { computed, effect, signal } from '@preact/signals'
import type { Theme } from '../look/palette.ts'
import { kept } from './kept.ts'

const dark = matchMedia('(prefers-color-scheme: dark)')
const preferred = signal<Theme>(dark.matches ? 'dark' : 'light')
dark.addEventListener('change', () => (preferred.value = dark.matches ? 'dark' : 'light'))

const known = kept('heddle-theme')
const chosen = signal<Theme | undefined>(known === 'light' || known === 'dark' ? known : undefined)

export const theme = computed<Theme>(() => chosen.value ?? preferred.value)

export function switchTheme(): void {
  const next = theme.value === 'dark' ? 'light' : 'dark'
  chosen.value = next === preferred.value ? undefined : next
  kept('heddle-theme', chosen.value ?? '')
}

/** Lets the style sheet know. */
export function applyTheme(): void {
  effect(() => {
    document.documentElement.style.colorScheme = theme.value
  })
}
