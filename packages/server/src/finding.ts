/** One thing `holdfast doctor` looked at. */
export interface Finding {
  readonly name: string
  /** `stops`: a boot with these settings would fail. */
  readonly state: 'fine' | 'notice' | 'stops'
  readonly says: string
}

export const fine = (name: string, says: string): Finding => ({ name, state: 'fine', says })
export const notice = (name: string, says: string): Finding => ({ name, state: 'notice', says })
export const stops = (name: string, says: string): Finding => ({ name, state: 'stops', says })
