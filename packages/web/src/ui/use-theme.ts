import { useSyncExternalStore } from 'react'
import type { ChartColours } from '../thread/chart-view.ts'

const root = document.documentElement

function subscribe(listener: () => void): () => void {
  const observer = new MutationObserver(listener)
  observer.observe(root, { attributes: true, attributeFilter: ['data-theme'] })
  return () => observer.disconnect()
}

const current = (): 'light' | 'dark' => (root.dataset['theme'] === 'dark' ? 'dark' : 'light')

const known = new Map<string, ChartColours>()

function coloursOf(theme: 'light' | 'dark'): ChartColours {
  const found = known.get(theme)
  if (found !== undefined) return found
  const style = getComputedStyle(root)
  const read = (name: string): string => style.getPropertyValue(name).trim()
  const colours = {
    text: read('--text'),
    soft: read('--soft'),
    line: read('--line'),
    surface: read('--surface'),
  }
  known.set(theme, colours)
  return colours
}

/** The theme as it is now, and its colours as values for what CSS does not reach. */
export function useTheme(): { readonly theme: 'light' | 'dark'; readonly colours: ChartColours } {
  const theme = useSyncExternalStore(subscribe, current)
  return { theme, colours: coloursOf(theme) }
}
