import { systemIdMaker } from '@holdfast/protocol'
import { describe, expect, test } from 'vitest'
import { createAdmissions, type Place } from './admissions.ts'

const makeId = systemIdMaker()
const ann = makeId('user')
const limits = { connections: 4, connectionsPerUser: 2, pendingPerAddress: 1 }
const never = (): void => {
  throw new Error('Nobody was to be superseded')
}

function placeOf(entered: Place | null): Place {
  if (entered === null) throw new Error('No place')
  return entered
}

describe('places', () => {
  test('as many on a node as it may have; one that leaves, even twice, makes room for one', () => {
    const admissions = createAdmissions(limits)
    const places = Array.from({ length: 4 }, () => placeOf(admissions.enter()))
    expect(admissions.enter()).toBeNull()
    places[0]?.leave()
    places[0]?.leave()
    placeOf(admissions.enter())
    expect(admissions.enter()).toBeNull()
    expect(admissions.connections).toBe(4)
  })

  test('of one address so many that are not known; another address is not concerned, nor who shows something', () => {
    const admissions = createAdmissions(limits)
    const first = placeOf(admissions.enter())
    expect(first.pend('a')).toBe('pending')
    const second = placeOf(admissions.enter())
    expect(second.pend('a')).toBe('crowded')
    expect(placeOf(admissions.enter()).pend('b')).toBe('pending')
    // The one that was crowded out never counted for its address.
    second.leave()
    expect(first.sign(ann, '1', never)).toBe('signed')
    expect(placeOf(admissions.enter()).pend('a')).toBe('pending')
  })

  test('one that leaves unsigned no longer counts for its address', () => {
    const admissions = createAdmissions(limits)
    const first = placeOf(admissions.enter())
    first.pend('a')
    first.leave()
    // It was looked at for longer than it stayed.
    first.pend('a')
    expect(placeOf(admissions.enter()).pend('a')).toBe('pending')
    expect(admissions.unsigned).toBe(1)
  })

  test('of one user so many, of another as many again', () => {
    const admissions = createAdmissions(limits)
    const places = Array.from({ length: 4 }, () => placeOf(admissions.enter()))
    const sign = (index: number, user = ann) => places[index]?.sign(user, String(index), never)
    expect([sign(0), sign(1), sign(2)]).toEqual(['signed', 'signed', 'crowded'])
    expect(sign(3, makeId('user'))).toBe('signed')
    places[0]?.leave()
    expect(sign(2)).toBe('signed')
  })

  test('a client that comes again takes the place of the line it gave up', () => {
    const admissions = createAdmissions(limits)
    let superseded = 0
    const sign = (instance: string, supersede = never) =>
      placeOf(admissions.enter()).sign(ann, instance, supersede)
    sign('tab', () => {
      superseded += 1
    })
    sign('other')
    expect([sign('tab'), superseded]).toEqual(['signed', 1])
    expect(sign('third')).toBe('crowded')
  })

  test('those of no instance take the place of nobody, and count for the user', () => {
    const admissions = createAdmissions(limits)
    const sign = () => placeOf(admissions.enter()).sign(ann, null, never)
    expect([sign(), sign(), sign()]).toEqual(['signed', 'signed', 'crowded'])
  })
})
