import { useSyncExternalStore } from 'react'
import type { Store } from '../model/store.ts'

/** The store's value, or a part of it; drawn again only where the part changes. */
export function useStore<Value>(store: Store<Value>): Value
export function useStore<Value, Part>(store: Store<Value>, select: (value: Value) => Part): Part
export function useStore<Value, Part>(
  store: Store<Value>,
  select: (value: Value) => Value | Part = (value) => value,
): Value | Part {
  return useSyncExternalStore(store.subscribe, () => select(store.get()))
}
