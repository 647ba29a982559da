'use strict'

const zlib = require('node:zlib')
const { base64 } = require('./encode.js')
const { Random } = require('./random.js')

/*
 * Attachments that really are what they say: a PDF that opens, a PNG with a picture, a workbook, an archive. A few of
 * each, made once and shared by all mails, already in base64.
 */

/** @typedef {{ type: string, extension: string, bytes: Buffer, encoded: Buffer }} File */

/** Sizes in KB, like a real mailbox: many small, few big. */
const SIZES = { pdf: [24, 38, 61, 96, 170, 310], png: [5, 9, 18, 42], xlsx: [8, 15, 34], zip: [30, 85, 240] }

/** @type {Record<string, File[]> | null} */
let library = null

/**
 * @returns {Record<'pdf' | 'png' | 'xlsx' | 'zip', File[]>}
 */
function files() {
  library ??= {
    pdf: SIZES.pdf.map((kilobytes, index) => file('application/pdf', 'pdf', pdf(kilobytes, index))),
    png: SIZES.png.map((kilobytes, index) => file('image/png', 'png', png(kilobytes, index))),
    xlsx: SIZES.xlsx.map((kilobytes, index) => file(XLSX, 'xlsx', xlsx(kilobytes, index))),
    zip: SIZES.zip.map((kilobytes, index) => file('application/zip', 'zip', archive(kilobytes, index))),
  }
  return /** @type {any} */ (library)
}

const XLSX = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'

/**
 * @param {string} type
 * @param {string} extension
 * @param {Buffer} bytes
 * @returns {File}
 */
function file(type, extension, bytes) {
  return { type, extension, bytes, encoded: base64(bytes) }
}

/**
 * One page with a line of text, and an embedded stream for the weight.
 *
 * @param {number} kilobytes
 * @param {number} seed
 */
function pdf(kilobytes, seed) {
  const page = 'BT /F1 18 Tf 72 720 Td (Made up for tests) Tj ET'
  const weight = new Random(seed + 100).bytes(kilobytes * 1024)
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>',
    `<< /Length ${page.length} >>\nstream\n${page}\nendstream`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
    `<< /Length ${weight.length} >>\nstream\n${weight.toString('latin1')}\nendstream`,
  ]
  let body = '%PDF-1.4\n%\xe2\xe3\xcf\xd3\n'
  const offsets = objects.map((object, index) => {
    const at = body.length
    body += `${index + 1} 0 obj\n${object}\nendobj\n`
    return at
  })
  const rows = offsets.map((at) => `${String(at).padStart(10, '0')} 00000 n \n`).join('')
  const table = `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${rows}`
  const trailer = `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${body.length}\n%%EOF\n`
  return Buffer.from(body + table + trailer, 'latin1')
}

/**
 * A colour gradient with enough noise to weigh what it should.
 *
 * @param {number} kilobytes
 * @param {number} seed
 */
function png(kilobytes, seed) {
  const side = Math.ceil(Math.sqrt(kilobytes * 1024))
  const noise = new Random(seed + 200).bytes(side * side)
  const rows = Buffer.alloc(side * (side * 3 + 1))
  for (let y = 0, at = 0; y < side; y++) {
    rows[at++] = 0
    for (let x = 0; x < side; x++) {
      rows[at++] = (x * 255) / side
      rows[at++] = (y * 255) / side
      rows[at++] = noise[y * side + x]
    }
  }
  const head = Buffer.alloc(13)
  head.writeUInt32BE(side, 0)
  head.writeUInt32BE(side, 4)
  head.set([8, 2, 0, 0, 0], 8)
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10])
  return Buffer.concat([
    signature,
    chunk('IHDR', head),
    chunk('IDAT', zlib.deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

/**
 * @param {string} name
 * @param {Buffer} data
 */
function chunk(name, data) {
  const body = Buffer.concat([Buffer.from(name, 'latin1'), data])
  const out = Buffer.alloc(body.length + 8)
  out.writeUInt32BE(data.length, 0)
  body.copy(out, 4)
  out.writeUInt32BE(crc32(body), body.length + 4)
  return out
}

/**
 * @param {number} kilobytes
 * @param {number} seed
 */
function xlsx(kilobytes, seed) {
  const random = new Random(seed + 300)
  let rows = ''
  // A row weighs about 90 bytes once deflated.
  for (let row = 1; row <= kilobytes * 11; row++) {
    const cells = [random.hex(12), random.hex(8), random.hex(24)].map(
      (text) => `<c t="inlineStr"><is><t>${text}</t></is></c>`,
    )
    rows += `<row r="${row}">${cells.join('')}<c><v>${random.integer(1, 99999)}</v></c></row>`
  }
  const main = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main'
  const office = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships'
  const packageNs = 'http://schemas.openxmlformats.org/package/2006'
  const part = 'application/vnd.openxmlformats-officedocument.spreadsheetml'
  return zip([
    [
      '[Content_Types].xml',
      `<Types xmlns="${packageNs}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="${part}.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="${part}.worksheet+xml"/></Types>`,
    ],
    [
      '_rels/.rels',
      `<Relationships xmlns="${packageNs}/relationships"><Relationship Id="rId1" Type="${office}/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
    ],
    [
      'xl/workbook.xml',
      `<workbook xmlns="${main}" xmlns:r="${office}"><sheets><sheet name="Data" sheetId="1" r:id="rId1"/></sheets></workbook>`,
    ],
    [
      'xl/_rels/workbook.xml.rels',
      `<Relationships xmlns="${packageNs}/relationships"><Relationship Id="rId1" Type="${office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`,
    ],
    ['xl/worksheets/sheet1.xml', `<worksheet xmlns="${main}"><sheetData>${rows}</sheetData></worksheet>`],
  ])
}

/**
 * @param {number} kilobytes
 * @param {number} seed
 */
function archive(kilobytes, seed) {
  const random = new Random(seed + 400)
  return zip([
    ['readme.txt', 'Made up for tests.\r\n'],
    ['measurements.bin', random.bytes(kilobytes * 1024)],
  ])
}

/**
 * @param {Array<[string, string | Buffer]>} entries
 */
function zip(entries) {
  /** @type {Buffer[]} */
  const locals = []
  /** @type {Buffer[]} */
  const directory = []
  let offset = 0
  for (const [name, content] of entries) {
    const data = Buffer.from(/** @type {string} */ (content))
    const packed = zlib.deflateRawSync(data)
    const common = Buffer.alloc(26)
    // Version 2.0, deflate, 1 January 2026.
    common.set([20, 0, 0, 0, 8, 0, 0, 0, 0x21, 0x5c])
    common.writeUInt32LE(crc32(data), 10)
    common.writeUInt32LE(packed.length, 14)
    common.writeUInt32LE(data.length, 18)
    common.writeUInt16LE(name.length, 22)
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common, Buffer.from(name), packed])
    const tail = Buffer.alloc(14)
    tail.writeUInt32LE(offset, 10)
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x00', 'latin1'), common, tail, Buffer.from(name)]))
    locals.push(local)
    offset += local.length
  }
  const central = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(entries.length, 8)
  end.writeUInt16LE(entries.length, 10)
  end.writeUInt32LE(central.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...locals, central, end])
}

const CRC = Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1
  return value >>> 0
})

/** @param {Buffer} data */
function crc32(data) {
  let value = 0xffffffff
  for (const byte of data) value = CRC[(value ^ byte) & 0xff] ^ (value >>> 8)
  return (value ^ 0xffffffff) >>> 0
}

module.exports = { files }
