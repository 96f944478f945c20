/** Loaded before a server's own code (--import, --expose-gc): its parent says `collect` when memory is to be read. */
process.on('message', (message) => {
  if (message !== 'collect') return
  // The first makes what finalizers hold unreachable, the second frees it.
  globalThis.gc?.()
  globalThis.gc?.()
  process.send?.({ heapUsed: process.memoryUsage().heapUsed })
})
