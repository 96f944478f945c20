import { describe, expect, test } from 'vitest'
import { judgeCookieRequest } from './csrf.ts'

const ours = 'http://127.0.0.1:8080'
const judge = (given: Partial<Parameters<typeof judgeCookieRequest>[0]>): boolean =>
  judgeCookieRequest(
    { method: 'POST', secFetchSite: undefined, origin: undefined, contentType: 'application/json', ...given },
    (origin) => origin === ours,
  ).ok

describe('an unsafe method on the strength of a cookie', () => {
  test('passes from our own page', () => {
    expect(judge({ secFetchSite: 'same-origin', origin: ours })).toBe(true)
    expect(judge({ secFetchSite: 'same-origin', contentType: 'multipart/form-data; boundary=x' })).toBe(true)
  })

  test('passes by an exact Origin where the browser sends no Sec-Fetch-Site', () => {
    expect(judge({ origin: ours })).toBe(true)
    expect(judge({ origin: `${ours}0` })).toBe(false)
    expect(judge({ origin: 'null' })).toBe(false)
  })

  test('is refused when nothing says where it comes from', () => {
    expect(judge({})).toBe(false)
  })

  test('is refused from another port of this machine, which is the same site to a cookie', () => {
    expect(judge({ secFetchSite: 'same-site', origin: 'http://127.0.0.1:3000' })).toBe(false)
  })

  test.each(['cross-site', 'same-site', 'none'])(
    'is refused as %s whatever its Origin says',
    (secFetchSite) => {
      expect(judge({ secFetchSite, origin: ours })).toBe(false)
    },
  )

  test.each(['text/plain', 'application/x-www-form-urlencoded', undefined, 'text/plain; application/json'])(
    'is refused with the body type of a plain form: %s',
    (contentType) => {
      expect(judge({ secFetchSite: 'same-origin', contentType })).toBe(false)
    },
  )

  test('DELETE carries no body and needs no body type, but a place of origin', () => {
    expect(judge({ method: 'DELETE', secFetchSite: 'same-origin', contentType: undefined })).toBe(true)
    expect(judge({ method: 'DELETE', contentType: undefined })).toBe(false)
  })
})

test.each(['GET', 'HEAD', 'OPTIONS'])('%s changes nothing and needs no proof', (method) => {
  expect(judge({ method, contentType: undefined })).toBe(true)
})
