import { busContract } from './bus.contract.ts'
import { createInProcessBus } from './in-process-bus.ts'

busContract('the bus within one process', async () => {
  const bus = createInProcessBus()
  return { here: bus, there: bus, [Symbol.asyncDispose]: () => bus[Symbol.asyncDispose]() }
})
