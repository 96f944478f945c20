import { createStore, type Store } from '../model/store.ts'

export type Theme = 'system' | 'light' | 'dark'

export interface Preferences {
  readonly theme: Theme
  /** An IANA name; data of providers is in UTC, so that is where it begins. */
  readonly timeZone: string
  /** null: the agent's own. */
  readonly model: string | null
}

const keys = { theme: 'holdfast.theme', timeZone: 'holdfast.time-zone', model: 'holdfast.model' } as const

function read(key: string): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    // A browser that keeps nothing for this page: it begins anew each time.
    return null
  }
}

function write(key: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(key)
    else localStorage.setItem(key, value)
  } catch {
    // Kept for this tab alone then.
  }
}

function readAll(): Preferences {
  const theme = read(keys.theme)
  return {
    theme: theme === 'light' || theme === 'dark' ? theme : 'system',
    timeZone: validZone(read(keys.timeZone)),
    model: read(keys.model),
  }
}

function validZone(name: string | null): string {
  try {
    return name === null
      ? 'UTC'
      : new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone
  } catch {
    return 'UTC'
  }
}

export const preferences: Store<Preferences> = createStore(readAll())
// Another tab changed them.
addEventListener('storage', () => preferences.set(readAll()))

export function setPreference<Name extends keyof Preferences>(name: Name, value: Preferences[Name]): void {
  write(keys[name], name === 'theme' && value === 'system' ? null : value)
  preferences.update((all) => ({ ...all, [name]: value }))
  if (name === 'theme') dispatchEvent(new Event('holdfast-theme'))
}
