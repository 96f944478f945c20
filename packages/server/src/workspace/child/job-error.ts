import type { FailureCode } from '../child-jobs.ts'

/**
 * What a job could not do, with a message a person can act on; the server turns it into a HoldfastError. Of its own
 * because loading @holdfast/protocol (and zod) would double the child's start.
 */
export class JobError extends Error {
  readonly code: FailureCode

  constructor(code: FailureCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
