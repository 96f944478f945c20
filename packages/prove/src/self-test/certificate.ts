import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { type Proved, prove } from '../prove.ts'
import { contractHash, contractText } from './world.ts'

/** A server with a certificate made for it, that ends in so many days; proved as far as `identity` goes. */
export async function proveCertificate(days: number, isTrusted = true): Promise<Proved> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const cert = selfSigned(privateKey, publicKey, days)
  const version = {
    version: '0',
    role: 'all',
    commit: 'a'.repeat(40),
    image: `sha256:${'0'.repeat(64)}`,
    contract: contractHash,
    schema: '1',
  }
  const answers: Readonly<Record<string, string>> = {
    '/version': JSON.stringify(version),
    '/health/live': '{"status":"live"}',
    '/health/ready': '{"status":"ready","dependencies":["store"]}',
    '/v1/contract': contractText,
  }
  const server = createServer(
    { key: privateKey.export({ type: 'pkcs8', format: 'pem' }), cert },
    (request, response) => {
      const body = answers[request.url ?? '']
      response.writeHead(body === undefined ? 404 : 200, { 'content-type': 'application/json' })
      response.end(body)
    },
  )
  const { promise, resolve } = Promise.withResolvers<void>()
  server.listen(0, '127.0.0.1', resolve)
  await promise
  try {
    return await prove({
      url: `https://localhost:${(server.address() as AddressInfo).port}`,
      profile: 'self-test',
      expectCommit: version.commit,
      only: ['identity'],
      ca: isTrusted ? cert : null,
    })
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

// --- X.509 in DER, as little of it as a certificate needs (RFC 5280)
const der = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
  const body = Buffer.concat(parts)
  const { length } = body
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), body])
}
const sequence = (...parts: readonly Uint8Array[]): Buffer => der(0x30, ...parts)
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'))
const utcTime = (at: Date): Buffer =>
  der(0x17, Buffer.from(`${at.toISOString().replaceAll(/[-:T]/g, '').slice(2, 14)}Z`))

function selfSigned(privateKey: KeyObject, publicKey: KeyObject, days: number): string {
  const ecdsaSha256 = sequence(oid('2a8648ce3d040302'))
  const name = sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from('localhost')))))
  const nowMs = Date.now()
  const critical = Buffer.from([0x01, 0x01, 0xff])
  const body = sequence(
    der(0xa0, Buffer.from([0x02, 0x01, 0x02])),
    der(0x02, Buffer.from([1]), randomBytes(8)),
    ecdsaSha256,
    name,
    sequence(utcTime(new Date(nowMs - 86_400_000)), utcTime(new Date(nowMs + days * 86_400_000))),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(
      0xa3,
      sequence(
        // basicConstraints: it vouches for itself. subjectAltName: localhost.
        sequence(oid('551d13'), critical, der(0x04, sequence(Buffer.from([0x01, 0x01, 0xff])))),
        sequence(oid('551d11'), der(0x04, sequence(der(0x82, Buffer.from('localhost'))))),
      ),
    ),
  )
  const signature = sign('sha256', body, privateKey)
  const bytes = sequence(body, ecdsaSha256, der(0x03, Buffer.from([0]), signature))
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}
