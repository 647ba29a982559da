/** Text to octets in the charsets that mail still uses: the platform's decoders, turned round. */

const tables = new Map<string, Map<string, Buffer>>()

/** Every character of `charset` that takes one or two octets. */
function table(charset: string): Map<string, Buffer> {
  const known = tables.get(charset)
  if (known) return known
  const decoder = new TextDecoder(charset, { fatal: true })
  const made = new Map<string, Buffer>()
  const add = (octets: Buffer) => {
    try {
      const text = decoder.decode(octets)
      if ([...text].length === 1 && !made.has(text)) made.set(text, octets)
    } catch {
      // Not a character of this charset.
    }
  }
  for (let one = 0; one < 256; one++) add(Buffer.from([one]))
  for (let one = 0x81; one < 0xff; one++) for (let two = 0x40; two < 0xff; two++) add(Buffer.from([one, two]))
  tables.set(charset, made)
  return made
}

/** `text` in `charset`. Throws when a character is not in it. */
export function encode(text: string, charset: string): Buffer {
  const name = charset.toLowerCase()
  if (name === 'utf-8' || name === 'us-ascii') return Buffer.from(text, 'utf8')
  if (name === 'utf-16le') return Buffer.from(text, 'utf16le')
  if (name === 'utf-7') return Buffer.from(utf7(text))
  if (name === 'iso-2022-jp') return iso2022jp(text)
  const known = table(name === 'gb2312' ? 'gbk' : name)
  return Buffer.concat(
    [...text].map((character) => {
      const octets = known.get(character)
      if (!octets) throw new Error(`${character} is not in ${charset}`)
      return octets
    }),
  )
}

/** JIS X 0208 between `ESC $ B` and `ESC ( B`: the octets of EUC-JP without their high bits. */
function iso2022jp(text: string): Buffer {
  const out: number[] = []
  let wide = false
  for (const character of text) {
    const octets = character < '\x80' ? null : encode(character, 'euc-jp')
    if ((octets !== null) !== wide) {
      wide = !wide
      out.push(0x1b, ...Buffer.from(wide ? '$B' : '(B'))
    }
    out.push(...(octets === null ? Buffer.from(character) : octets.map((octet) => octet & 0x7f)))
  }
  if (wide) out.push(0x1b, ...Buffer.from('(B'))
  return Buffer.from(out)
}

function utf7(text: string): string {
  return text.replace(/\+/g, '+-').replace(/[\u0080-\uffff]+/g, (run) => {
    const units = Buffer.from(run, 'utf16le').swap16()
    return `+${units.toString('base64').replace(/=+$/, '')}-`
  })
}
