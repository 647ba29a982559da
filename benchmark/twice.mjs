// The same work over a near and over a far link: the difference is its round trips.

import { given, meter } from './meter.mjs'

/**
 * `work(prepared)` is timed twice, each time on what `prepare(port)` made. The work is done once before: code that is
 * loaded, compiled and cached at the first time would be counted as round trips. Round trips are told for one of `parts`.
 */
export async function roundTripsOf(prepare, work, messages, parts = 1) {
  await work(await prepare(given.nearPort))
  const [near, far] = [await prepare(given.nearPort), await prepare(given.farPort)]
  await meter(async () => {
    const nearMs = await timed(near)
    const farMs = await timed(far)
    return { messages, wallMs: farMs, roundTrips: (farMs - nearMs) / given.rttMs / parts }
  })

  async function timed(prepared) {
    const started = performance.now()
    await work(prepared)
    return performance.now() - started
  }
}
