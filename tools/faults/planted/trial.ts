/**
 * A process that looks for one planted bug and prints which classes of violation it found, as JSON.
 * Arguments: `model` or `runs`; the name of the bug, or nothing for the product as it is; schedules to try.
 */
import { plant } from './plant.ts'

const [kind, name = '', schedules = '4000'] = process.argv.slice(2)
// Before anything of the product is loaded: a bug is planted into a module as it loads.
if (name !== '') plant(name)
if (kind === 'model') {
  const { runModel } = await import('../model/run-model.ts')
  const { finding } = await runModel({ seeds: Number(schedules), seed: 1, shrink: false })
  console.log(JSON.stringify(finding?.classes ?? []))
} else {
  const { runsTrial } = await import('./runs-trial.ts')
  console.log(JSON.stringify(await runsTrial()))
}
