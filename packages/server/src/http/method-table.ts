interface AddedRoute {
  readonly method: string | readonly string[]
  readonly url: string
}

/** Remembers which methods each path answers to, so that a wrong method is told from a wrong path. */
export function createMethodTable(): {
  add(route: AddedRoute): void
  of(path: string): readonly string[]
  /** `GET /v1/threads`, … */
  all(): readonly string[]
} {
  const routes: { readonly url: string; readonly pattern: RegExp; readonly methods: readonly string[] }[] = []
  return {
    add({ url, method }) {
      const pattern = url.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll(/:[^/]+/g, '[^/]+')
      routes.push({ url, pattern: new RegExp(`^${pattern}/?$`), methods: [method].flat() })
    },
    all: () => routes.flatMap(({ url, methods }) => methods.map((name) => `${name} ${url}`)),
    of: (path) => [
      ...new Set(routes.filter(({ pattern }) => pattern.test(path)).flatMap(({ methods }) => methods)),
    ],
  }
}
