import type { IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { clientAddress } from './client-address.ts'

const request = (forwarded?: string): IncomingMessage =>
  ({
    socket: { remoteAddress: '10.0.0.1' },
    headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
  }) as unknown as IncomingMessage

test.each([
  ['without a proxy the header is anybody’s word', 0, '203.0.113.9', '10.0.0.1'],
  ['of one proxy the last is what it saw', 1, '198.51.100.1, 203.0.113.9', '203.0.113.9'],
  ['of two the last but one', 2, 'forged, 198.51.100.1, 203.0.113.9', '198.51.100.1'],
  ['fewer than there should be: nobody passed them', 2, '203.0.113.9', '10.0.0.1'],
  ['what is no address is none', 1, 'evil; drop table', '10.0.0.1'],
  ['IPv6', 1, '2001:db8::1', '2001:db8::1'],
])('%s', (_what, hops, forwarded, expected) => {
  expect(clientAddress(request(forwarded), hops)).toBe(expected)
  expect(clientAddress(request(), hops)).toBe('10.0.0.1')
})
