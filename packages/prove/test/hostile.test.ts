import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { prove, UnreachableError } from '../src/prove.ts'
import { renderGithub } from '../src/report/github.ts'
import { noPaint, renderTerminal } from '../src/report/terminal.ts'
import { reportsOf } from '../src/report/write-proof.ts'
import { proveCertificate } from '../src/self-test/certificate.ts'
import type { Fault } from '../src/self-test/fault-proxy.ts'
import { proveBundled } from './bundled.test-support.ts'

const quick = { patienceMs: 400, totalMs: 20_000, identities: 2, connects: 2 }
const options = (port: number) => ({
  url: `http://127.0.0.1:${port}`,
  profile: 'self-test' as const,
  tokens: ['a-token-of-somebody-1'],
  plan: quick,
})

async function tcp(onSocket: (socket: Socket) => void) {
  const sockets = new Set<Socket>()
  const server = createTcpServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    onSocket(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.dispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

async function http(listener: RequestListener) {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.dispose]() {
      server.closeAllConnections()
      server.close()
    },
  }
}

describe('a server that is none', () => {
  test('nobody listens, somebody says nothing, somebody says garbage: unreachable', async () => {
    let port = 0
    {
      using gone = await tcp(() => {})
      port = gone.port
    }
    await expect(prove(options(port))).rejects.toThrow(UnreachableError)
    using silent = await tcp(() => {})
    await expect(prove(options(silent.port))).rejects.toThrow(UnreachableError)
    using garbage = await tcp((socket) => void socket.end('\u0000\u0001SSH-2.0-none\r\n\r\n'))
    await expect(prove(options(garbage.port))).rejects.toThrow(UnreachableError)
  })

  test('answers without an end are let go, and it is a NO-GO', async () => {
    using endless = await http((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      const chunk = Buffer.alloc(256 * 1024, 0x20)
      const more = (): void => {
        while (!response.destroyed && response.write(chunk));
      }
      response.on('drain', more)
      more()
    })
    const { proof } = await prove(options(endless.port))
    expect(proof.verdict).toBe('NO-GO')
  })

  test('another web server is a NO-GO, not a fault of the prover', async () => {
    using page = await http((_request, response) => void response.end('<h1>It works!</h1>'))
    const { proof } = await prove(options(page.port))
    expect(proof.verdict).toBe('NO-GO')
    expect(proof.reasons.join()).toMatch(/id\.build/)
  })
})

test('what a server says is text in every report: no markup, no escape sequence, no workflow command', async () => {
  const evil =
    '<script>alert(1)</script>\u001b[2J\n::error::pwned %0A::set-output name=x::y ]]> | `x` ![i](http://evil.invalid)'
  const fault: Fault = {
    fromServer: (frame) =>
      frame['type'] === 'sub_ok'
        ? [frame, { type: evil, stream: evil }, { ...frame, [evil]: evil }]
        : [frame],
    closed: () => [4999, '<img src=x onerror=alert(1)>'],
    answer(answer, { path }) {
      if (path.startsWith('/health')) answer.headers['x-evil'] = '<b>'
    },
  }
  const { proof, lines } = await proveBundled({ only: ['identity', 'sign-in', 'connect', 'flow'] }, fault)
  expect(proof.verdict).toBe('NO-GO')
  expect(JSON.stringify(proof)).toContain('<script>')
  const reports = reportsOf(proof, lines)
  const html = reports['report.html'] ?? ''
  expect(html).not.toMatch(/<script|<img|onerror=alert\(1\)>/i)
  expect(html).toContain("default-src 'none'")
  expect(html).not.toMatch(/https?:\/\/(?!127\.0\.0\.1)[^\s<]*"/)
  expect(reports['report.md']).not.toMatch(/<script|<img|!\[i\]\(/)
  expect(reports['junit.xml']).not.toMatch(/<script|<img|]]>/)
  const control = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/
  for (const text of [
    renderTerminal(proof, noPaint),
    reports['report.md'],
    html,
    reports['junit.xml'],
    reports['ctrf.json'],
  ])
    expect(text).not.toMatch(control)
  for (const line of renderGithub(proof).trim().split('\n'))
    expect(line).toMatch(/^::(error|warning|notice) title=/)
})

describe('a proof whose time is over', () => {
  test('says what it did not do, and blames the server for nothing', async () => {
    const { proof } = await proveBundled({ plan: { totalMs: 17_500, patienceMs: 10_000 } })
    expect(proof.checks.filter(({ outcome }) => outcome === 'failed')).toEqual([])
    expect(proof.verdict).toBe('INCONCLUSIVE')
    expect(proof.reasons.join()).toMatch(/was left out: the time of the proof was over/)
  })
})

test('a failure is tried again before the users are gone: what fails always is called constant, once is intermittent', async () => {
  const failing = (times: number): Fault => {
    let left = times
    return {
      answer(answer, { method, path }) {
        if (method !== 'POST' || !path.endsWith('/runs') || answer.status !== 409) return
        left -= 1
        if (left >= 0) answer.status = 200
      },
    }
  }
  const diagnosisOf = async (fault: Fault) =>
    (await proveBundled({ plan: { patienceMs: 5_000, idleMs: 300 } }, fault)).proof.checks.find(
      ({ id }) => id === 'run.idempotent',
    )?.diagnosis
  expect(await diagnosisOf(failing(Number.POSITIVE_INFINITY))).toMatch(/^constant: (\d) of \1 /)
  expect(await diagnosisOf(failing(1))).toMatch(/^intermittent: 0 of \d /)
}, 120_000)

test.each([
  ['nobody vouches for', 90, false],
  ['has run out', -0.5, true],
] as const)(
  'a certificate that %s is a NO-GO by tls.cert, not an address where nobody is',
  async (_, days, trusted) => {
    const { proof } = await proveCertificate(days, trusted)
    expect(proof.verdict).toBe('NO-GO')
    expect(proof.reasons.join()).toMatch(/tls\.cert: not trusted/)
  },
)
