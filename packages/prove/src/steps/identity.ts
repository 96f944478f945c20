import { connect as connectTls } from 'node:tls'
import type { Lab } from '../lab/lab.ts'
import { within } from '../wire/socket.ts'

/** Who answers there, whether it is well, and what it promises. */
export async function identityStep(lab: Lab): Promise<void> {
  const { plan } = lab
  for (let index = 0; index < plan.identities; index += 1) {
    const answer = await lab.http(null, { path: '/version', fresh: true, about: 'identity' })
    // Nobody there: nineteen more questions would tell nothing else.
    if (answer.status === null) break
  }
  for (const path of ['/health/live', '/health/ready']) await lab.http(null, { path, about: 'health' })
  await lab.http(null, { path: '/v1/contract', about: 'contract' })
  await certificate(lab)
}

async function certificate({ url, recorder, ca, plan }: Lab): Promise<void> {
  const { protocol, hostname, port } = new URL(url)
  if (protocol !== 'https:') return
  const socket = connectTls({
    host: hostname,
    servername: hostname,
    port: Number(port) || 443,
    // A bad certificate is what this looks for: it is written down, and nothing is sent over this connection.
    rejectUnauthorized: false,
    ...(ca === null ? {} : { ca }),
  })
  const { promise, resolve } = Promise.withResolvers<true>()
  socket.on('secureConnect', () => resolve(true))
  socket.on('error', () => resolve(true))
  await within(promise, plan.patienceMs)
  const found = socket.getPeerCertificate()
  recorder.fact('tls', {
    authorized: socket.authorized,
    error: socket.authorizationError == null ? null : String(socket.authorizationError),
    validTo: found.valid_to ?? '',
    subject: String(found.subject?.CN ?? ''),
    now: new Date().toISOString(),
  })
  socket.destroy()
}
