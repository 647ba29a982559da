'use strict'

/*
 * Chunks of a download. V8 frees a buffer that it made itself together with the young objects around it, one of native memory only in
 * a full collection; so native code fills buffers that are made here.
 */

/** Bytes of a chunk, at most: each costs a promise. */
const ROOM = 256 << 10

/**
 * Slots of eight bytes. A chunk itself is hardly a young object in V8's eyes, for its bytes are elsewhere: a download makes so few
 * that tens of megabytes of dead chunks would wait for the next young collection. With this beside each, they wait for a few.
 */
const BALLAST = 8 << 10
const held = { ballast: null }

/** The reply to `download`, its stream made to bring a buffer along at each step. */
function intoOwnBuffers(reply) {
  const stream = reply[4]
  if (!stream) return reply
  const next = () => {
    held.ballast = new Array(BALLAST)
    return stream.next(Buffer.allocUnsafeSlow(ROOM))
  }
  reply[4] = { next, close: () => stream.close() }
  return reply
}

/** One step's bytes. */
function filled(length, { blobs }) {
  held.ballast = null
  return blobs[0].subarray(0, length)
}

module.exports = { filled, intoOwnBuffers }
