/** Strings to the forms that stand in messages: encoded words, parameters, transfer encodings. */

import { encode } from './charsets'
import type { Random } from './random'

export type WordForm = 'b' | 'q'

/** One encoded word (RFC 2047). */
export function word(octets: Buffer, charset: string, form: WordForm): string {
  const q = () =>
    [...octets]
      .map((octet) => {
        const character = String.fromCharCode(octet)
        if (character === ' ') return '_'
        return /[A-Za-z0-9!*+/-]/.test(character) ? character : `=${hex(octet)}`
      })
      .join('')
  return `=?${charset}?${form === 'b' ? 'B' : 'Q'}?${form === 'b' ? octets.toString('base64') : q()}?=`
}

/** `text` in as many words as it takes. `inside` cuts between octets instead of characters. */
export function words(text: string, charset: string, form: WordForm, inside: boolean): string[] {
  const limit = form === 'b' ? 36 : 16
  if (inside) {
    const octets = encode(text, charset)
    const pieces = Array.from({ length: Math.ceil(octets.length / 19) }, (_, n) => octets.subarray(n * 19, n * 19 + 19))
    return pieces.map((piece) => word(piece, charset, form))
  }
  const pieces: string[] = ['']
  for (const character of text) {
    const longer = pieces[pieces.length - 1] + character
    if (encode(longer, charset).length > limit) pieces.push(character)
    else pieces[pieces.length - 1] = longer
  }
  return pieces.map((piece) => word(encode(piece, charset), charset, form))
}

export function quotedPrintable(octets: Buffer): string {
  const lines: string[] = []
  let line = ''
  const put = (piece: string) => {
    if (line.length + piece.length > 75) {
      lines.push(`${line}=`)
      line = ''
    }
    line += piece
  }
  for (let at = 0; at < octets.length; at++) {
    const octet = octets[at]
    if (octet === 13 && octets[at + 1] === 10) {
      lines.push(line)
      line = ''
      at++
    } else if (
      (octet > 32 && octet < 127 && octet !== 61) ||
      ((octet === 32 || octet === 9) && ![13, undefined].includes(octets[at + 1]))
    ) {
      put(String.fromCharCode(octet))
    } else {
      put(`=${hex(octet)}`)
    }
  }
  return [...lines, line].join('\r\n')
}

export function base64(octets: Buffer, width = 76): string {
  return octets.toString('base64').replace(new RegExp(`.{${width}}(?=.)`, 'g'), '$&\r\n')
}

function hex(octet: number): string {
  return octet.toString(16).toUpperCase().padStart(2, '0')
}

/** Percent-encoding of RFC 2231. */
export function percent(octets: Buffer): string {
  return [...octets]
    .map((o) => (/[A-Za-z0-9._-]/.test(String.fromCharCode(o)) ? String.fromCharCode(o) : `%${hex(o)}`))
    .join('')
}

export type NameForm = 'quoted' | 'bare' | 'extended' | 'continued' | 'encoded-word' | 'raw'

/** `name=value` in one of the ways that senders know; the lines after the first are folded. */
export function parameter(name: string, value: string, charset: string, form: NameForm, random: Random): string {
  switch (form) {
    case 'quoted':
      return `; ${name}="${value.replace(/["\\]/g, '\\$&')}"`
    case 'bare':
      return `; ${name}=${value}`
    case 'raw':
      return `; ${name}="${value}"`
    case 'extended':
      return `;\r\n ${name}*=${charset}'${random.pick(['', 'en'])}'${percent(encode(value, charset))}`
    case 'encoded-word':
      return `;\r\n ${name}="${words(value, charset, random.pick(['b', 'q'] as const), false).join('\r\n ')}"`
    case 'continued': {
      const pieces = value.match(/.{1,8}/gu) ?? ['']
      const lines = pieces.map(
        (piece, n) => ` ${name}*${n}*=${n === 0 ? `${charset}''` : ''}${percent(encode(piece, charset))}`,
      )
      return `;\r\n${lines.join(';\r\n')}`
    }
  }
}
