// What every contender uses: `await meter(async () => messages)` measures the work and sends the figures to the parent.

import { monitorEventLoopDelay, performance } from 'node:perf_hooks'

/** What the line prepared: servers, credentials, sizes. */
export const given = JSON.parse(process.argv[2])

/** Resolution of the delay histogram: its samples are at least this, so it is taken off. */
const RESOLUTION_MS = 1

/** Sampling costs some 30 ms of CPU a second: a line that promises CPU, and no delay, goes without. */
const { samplesDelay = true } = given

/** `work` gives how many messages it handled, or `{ messages, … }` with further figures of the line. */
export async function meter(work) {
  globalThis.gc?.()
  const rss = process.memoryUsage.rss()
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  const cpu = process.cpuUsage()
  const loop = performance.eventLoopUtilization()
  const started = performance.now()
  if (samplesDelay) delay.enable()
  const done = await work()
  delay.disable()
  const wallMs = performance.now() - started
  const { utilization } = performance.eventLoopUtilization(loop)
  const { user, system } = process.cpuUsage(cpu)
  const peak = process.resourceUsage().maxRSS * 1024
  send({
    wallMs,
    cpuMs: (user + system) / 1000,
    cores: (user + system) / 1000 / wallMs,
    rssMb: peak / 2 ** 20,
    growthMb: Math.max(0, peak - rss) / 2 ** 20,
    utilization,
    ...(samplesDelay && {
      delayP99Ms: Math.max(0, delay.percentile(99) / 1e6 - RESOLUTION_MS),
      delayMaxMs: Math.max(0, delay.max / 1e6 - RESOLUTION_MS),
    }),
    ...(typeof done === 'number' ? { messages: done } : done),
  })
}

/** Figures that were measured in another way. */
export function send(figures) {
  process.send(figures)
}

/** So that a contender ends by itself, or is seen not to. */
export function finish() {
  process.disconnect()
}
