/** Loaded before the command (`--import`): writes down the address of every module that the process loads. */
import { appendFileSync } from 'node:fs'
import { registerHooks } from 'node:module'

const file = process.env['HOLDFAST_TEST_MODULES']
// The database's thread is given no environment, and so tells nothing of what it loads.
if (file !== undefined)
  registerHooks({
    load(url, context, next) {
      appendFileSync(file, `${url}\n`)
      return next(url, context)
    },
  })
