import { ThreadId } from '@holdfast/protocol'
import { createStore } from './model/store.ts'

export type Route =
  | { readonly kind: 'home' }
  | { readonly kind: 'thread'; readonly threadId: ThreadId }
  | { readonly kind: 'settings' }
  | { readonly kind: 'operations' }
  | { readonly kind: 'unknown' }

export function routeOf(path: string): Route {
  if (path === '/') return { kind: 'home' }
  if (path === '/settings') return { kind: 'settings' }
  if (path === '/operations') return { kind: 'operations' }
  const thread = ThreadId.safeParse(/^\/threads\/([^/]+)$/.exec(path)?.[1])
  return thread.success ? { kind: 'thread', threadId: thread.data } : { kind: 'unknown' }
}

export const pathOf = (route: Exclude<Route, { kind: 'unknown' }>): string =>
  route.kind === 'home' ? '/' : route.kind === 'thread' ? `/threads/${route.threadId}` : `/${route.kind}`

export const route = createStore<Route>(routeOf(location.pathname))

const here = (): void => route.set(routeOf(location.pathname))
addEventListener('popstate', here)

export function navigate(to: Exclude<Route, { kind: 'unknown' }>, { replace = false } = {}): void {
  const path = pathOf(to)
  if (path !== location.pathname) {
    if (replace) history.replaceState(null, '', path)
    else history.pushState(null, '', path)
  }
  here()
}
