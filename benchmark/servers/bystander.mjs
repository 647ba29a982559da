// An idle process: what its event loop waits is the machine's doing, and the floor for everybody else's figure.

import { monitorEventLoopDelay } from 'node:perf_hooks'

import { serve } from './serve.mjs'

const RESOLUTION_MS = 1
const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
delay.enable()

serve(
  {},
  {
    /** Since the last question. */
    answer() {
      const bystanderP99Ms = Math.max(0, delay.percentile(99) / 1e6 - RESOLUTION_MS)
      delay.reset()
      return { bystanderP99Ms }
    },
  },
)
