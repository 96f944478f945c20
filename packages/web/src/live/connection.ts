import { type ConnectionStatus, createClient, type HoldfastClient } from '@holdfast/client'
import { createStore } from '../model/store.ts'

/** Where the one connection of this tab stands. `sinceMs`: when it came to stand there. */
export const connection = createStore<{ readonly status: ConnectionStatus; readonly sinceMs: number }>({
  status: { kind: 'idle' },
  sinceMs: Date.now(),
})

/** Signing in leads back to where the reader was. */
export function goToSignIn(): void {
  const here = `${location.pathname}${location.search}`
  location.assign(here === '/' ? '/login' : `/login?to=${encodeURIComponent(here)}`)
}

const unauthenticated = 4501

export const client: HoldfastClient = createClient({
  url: location.origin,
  onStatus(status) {
    connection.set({ status, sinceMs: Date.now() })
    if (status.kind === 'stopped' && status.closeCode === unauthenticated) goToSignIn()
  },
})
