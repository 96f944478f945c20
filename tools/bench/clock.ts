/** The clock that all processes of one machine share, finer than a millisecond. */
export const sharedNowMs = (): number => performance.timeOrigin + performance.now()
