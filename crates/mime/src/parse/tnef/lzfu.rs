//! Compressed RTF (MS-OXRTFCP).
//!
//! ```text
//! header = compressed-size raw-size ( "LZFu" / "MELA" ) crc
//! run    = control-octet 8( literal / reference )
//! ```

use super::Cursor;

/// What the dictionary starts with.
const DICTIONARY: &[u8] = b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";

/// Longest RTF: a compressed octet makes nine at most, and a body is no book.
const MAX_RAW: usize = 16 << 20;

const WINDOW: usize = 4096;

/// The RTF, `None` when the octets are no such thing.
pub(super) fn decompress(octets: &[u8]) -> Option<Vec<u8>> {
    let mut cursor = Cursor(octets);
    cursor.u32()?;
    let raw_size = usize::try_from(cursor.u32()?).ok()?.min(MAX_RAW);
    let kind = cursor.take(4)?;
    cursor.u32()?;
    match kind {
        b"MELA" => Some(cursor.0.get(..raw_size.min(cursor.0.len()))?.to_vec()),
        b"LZFu" => Some(expand(&mut cursor, raw_size)),
        _ => None,
    }
}

fn expand(cursor: &mut Cursor<'_>, raw_size: usize) -> Vec<u8> {
    let mut window = [b' '; WINDOW];
    for (slot, octet) in window.iter_mut().zip(DICTIONARY) {
        *slot = *octet;
    }
    let mut at = DICTIONARY.len();
    let mut out = Vec::with_capacity(raw_size.min(octets_at_most(cursor.0.len())));
    let mut put = |octet: u8, at: &mut usize, window: &mut [u8; WINDOW]| {
        out.push(octet);
        if let Some(slot) = window.get_mut(*at % WINDOW) {
            *slot = octet;
        }
        *at = (*at + 1) % WINDOW;
        out.len() < raw_size
    };
    'runs: while let Some(control) = cursor.u8() {
        for bit in 0..8 {
            if control >> bit & 1 == 0 {
                let Some(literal) = cursor.u8() else { break 'runs };
                if !put(literal, &mut at, &mut window) {
                    break 'runs;
                }
                continue;
            }
            let Some(pair) = cursor.take(2).and_then(|p| <[u8; 2]>::try_from(p).ok()) else { break 'runs };
            let reference = u16::from_be_bytes(pair);
            let offset = usize::from(reference >> 4);
            let length = usize::from(reference & 0xF) + 2;
            if offset == at {
                break 'runs;
            }
            for n in 0..length {
                let octet = window.get((offset + n) % WINDOW).copied().unwrap_or(b' ');
                if !put(octet, &mut at, &mut window) {
                    break 'runs;
                }
            }
        }
    }
    out
}

fn octets_at_most(compressed: usize) -> usize {
    compressed.saturating_mul(9)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Not compressed, which every reader must read.
    pub(crate) fn stored(rtf: &str) -> Vec<u8> {
        let size = rtf.len() as u32;
        [&(size + 12).to_le_bytes()[..], &size.to_le_bytes(), b"MELA", &[0; 4], rtf.as_bytes()].concat()
    }

    #[test]
    fn the_examples_of_the_specification() {
        // MS-OXRTFCP §4.1.1 and §4.2.1.
        let simple = b"\x2d\x00\x00\x00\x2b\x00\x00\x00LZFu\xf1\xc5\xc7\xa7\x03\x00\x0a\x00rcpg125\x42\x32\x0a\xf3 hel\x09\x00\x20bw\x05\xb0ld}\x0a\x80\x0f\xa0";
        assert_eq!(decompress(simple).unwrap(), b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n");
        let overlapping =
            b"\x1a\x00\x00\x00\x1c\x00\x00\x00LZFu\xe2\xd4\x4b\x51\x41\x00\x04\x20WXYZ\x0d\x6e\x7d\x01\x0e\xb0";
        assert_eq!(decompress(overlapping).unwrap(), b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}");
        assert_eq!(decompress(&stored("{\\rtf1 x}")).unwrap(), b"{\\rtf1 x}");
    }

    #[test]
    fn cut_and_lying_streams() {
        let lying = [&[0xFF; 8][..], b"LZFu", &[0; 4], &[0x00; 100]].concat();
        assert!(decompress(&lying).unwrap().len() <= 100);
        assert!(decompress(b"LZFu").is_none());
        assert!(decompress(&[&[0xFF; 8][..], b"MELA", &[0; 4]].concat()).unwrap().is_empty());
    }
}
