'use strict'

/*
 * What left a mailbox since a mod-sequence (RFC 7162 §3.2.10), for SELECT … QRESYNC and UID FETCH … VANISHED.
 */

/**
 * @param {import('./view.js').View} view
 * @param {number} modseq
 * @param {import('./set.js').NumberSet | null} known the UIDs the client asks about
 * @returns {number[]} ascending
 */
function vanishedSince(view, modseq, known) {
  const ranges = known?.ranges ?? []
  return view.mailbox.expunged
    .filter((each) => each.modseq > modseq && ranges.some(([from, to]) => each.uid >= from && each.uid <= to))
    .map(({ uid }) => uid)
    .sort((a, b) => a - b)
}

module.exports = { vanishedSince }
