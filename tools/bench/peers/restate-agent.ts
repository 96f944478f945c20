/** The trivial agent as a Restate handler: a thought and a message, each a durable step. Argument: its port. */
import * as restate from '@restatedev/restate-sdk'

/** An object a user, as a thread is: one run of it at a time. */
const thread = restate.object({
  name: 'thread',
  handlers: {
    run: async (context: restate.ObjectContext) => {
      const startedAtMs = performance.timeOrigin + performance.now()
      await context.run('thought', () => `0 ${crypto.randomUUID()}`)
      await context.run('message', () => `Told 1, ${crypto.randomUUID()}`)
      return { startedAtMs }
    },
  },
})

await restate.serve({ services: [thread], port: Number(process.argv[2]), logger: () => {} })
console.log('listening')
process.once('disconnect', () => process.exit(0))
