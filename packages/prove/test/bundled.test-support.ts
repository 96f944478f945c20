import { type ProveOptions, prove } from '../src/prove.ts'
import { type Fault, openFaultProxy } from '../src/self-test/fault-proxy.ts'
import { openHealthyServer, simulation } from '../src/self-test/healthy-server.ts'
import { createWorld } from '../src/self-test/world.ts'

/** A proof of the bundled server as far as the steps go, with a fault before it if one is given. */
export async function proveBundled(options: Partial<ProveOptions> = {}, fault: Fault = {}) {
  const world = createWorld()
  const server = await openHealthyServer(world)
  const proxy = await openFaultProxy(server.url, fault)
  try {
    return await prove({
      url: proxy.url,
      profile: 'self-test',
      simulation,
      expectCommit: world.commit,
      plan: { patienceMs: 15_000 },
      ...options,
      ...(options.against === 'itself' ? { against: server.url, url: server.url } : {}),
    })
  } finally {
    await proxy.close()
    await server.kill()
  }
}
