// Measures one contender: `await meter(async () => count)`, then sends the figures to the parent.

import { monitorEventLoopDelay, performance } from 'node:perf_hooks'

export const server = JSON.parse(process.argv[2])

/** Resolution of the delay histogram: its samples are at least this, so it is taken off. */
const RESOLUTION_MS = 1

export async function meter(work) {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  const cpu = process.cpuUsage()
  const loop = performance.eventLoopUtilization()
  const started = performance.now()
  delay.enable()
  const messages = await work()
  delay.disable()
  const wallMs = performance.now() - started
  const { utilization } = performance.eventLoopUtilization(loop)
  const { user, system } = process.cpuUsage(cpu)
  process.send({
    messages,
    wallMs,
    cpuMs: (user + system) / 1000,
    rssMb: process.resourceUsage().maxRSS / 1024,
    utilization,
    delayP99Ms: Math.max(0, delay.percentile(99) / 1e6 - RESOLUTION_MS),
    delayMaxMs: Math.max(0, delay.max / 1e6 - RESOLUTION_MS),
  })
}
