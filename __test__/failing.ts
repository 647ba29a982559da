import { expect } from 'vitest'

import { MailError } from '../index'

/** The `MailError` that `work` rejects with; fails when it does not, or rejects with anything else. */
export async function failing(work: Promise<unknown> | (() => unknown)): Promise<MailError> {
  try {
    await (typeof work === 'function' ? work() : work)
  } catch (error) {
    expect(error).toBeInstanceOf(Error)
    expect(error).toBeInstanceOf(MailError)
    return error as MailError
  }
  throw new Error('expected a MailError, but the call succeeded')
}

/** Everything of an async iterable. */
export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}
