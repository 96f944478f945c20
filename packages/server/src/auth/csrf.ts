/** The headers by which a browser tells who made it send a request. */
export interface RequestOrigin {
  readonly method: string
  readonly secFetchSite: string | undefined
  readonly origin: string | undefined
  readonly contentType: string | undefined
}

export type CsrfVerdict = { readonly ok: true } | { readonly ok: false; readonly why: string }

/** They change nothing. */
export const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])
// DELETE carries no body, so it has no content type to judge; no form can send one either.
const bodilessMethods = new Set(['DELETE'])

/**
 * May a request act on the strength of its cookie? Unsafe methods must come from our own page:
 * `Sec-Fetch-Site: same-origin` or, where a browser does not send that, an exact `Origin`; and their body must be
 * of a type that no plain form of another site can send without a preflight, or our own upload form's.
 * Another port of the same machine is the same *site* to a cookie, hence `same-origin` and never `same-site`.
 */
export function judgeCookieRequest(
  request: RequestOrigin,
  allowsOrigin: (origin: string) => boolean,
): CsrfVerdict {
  if (safeMethods.has(request.method)) return { ok: true }
  if (request.secFetchSite !== undefined) {
    if (request.secFetchSite !== 'same-origin')
      return { ok: false, why: 'The request comes from another site; use the page of this server' }
  } else if (request.origin === undefined)
    return {
      ok: false,
      why: 'A cookie alone does not show where the request comes from; send Sec-Fetch-Site or Origin, or a bearer token',
    }
  else if (!allowsOrigin(request.origin))
    return { ok: false, why: 'The request comes from another origin; use the page of this server' }
  if (bodilessMethods.has(request.method)) return { ok: true }
  const type = request.contentType?.split(';')[0]?.trim().toLowerCase()
  return type === 'application/json' || type === 'multipart/form-data'
    ? { ok: true }
    : { ok: false, why: 'Send the body as application/json or multipart/form-data' }
}
