import { Annotation, StateGraph } from '@langchain/langgraph'

/** The same work as the numbers agent: as many events as asked for, as fast as they are taken. */
const State = Annotation.Root({ events: Annotation<number>() })
const padding = 'x'.repeat(230)

export const graph = new StateGraph(State)
  .addNode('emit', (state, config) => {
    config.writer?.({ started: 1 })
    for (let number = 0; number < state.events; number += 1)
      config.writer?.({ number, at: performance.timeOrigin + performance.now(), padding })
    return {}
  })
  .addEdge('__start__', 'emit')
  .compile()
