import type { Session } from '@holdfast/protocol'
import { createStore } from '../model/store.ts'

/** Who is signed in; null: not known yet. */
export const session = createStore<Session | null>(null)
