import { createStore } from '../model/store.ts'

/** Events of the open thread that the log has and the page has not. */
export const catchingUp = createStore(0)
