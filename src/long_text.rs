//! Texts of megabytes, handed over a piece at a time: the copy of one would keep the event loop for as long as it takes
//! to fill the memory of its string.

use std::vec::IntoIter;

use email_base::text::Text;
use napi::bindgen_prelude::{Either, Latin1String, Utf16String};
use napi_derive::napi;

/// One copy into the engine's own form, no decoding on the JS thread.
pub type Piece = Either<Latin1String, Utf16String>;

/// Bytes of one piece: less than a millisecond's work.
pub const PIECE_BYTES: usize = 1 << 20;

/// What `lib/texts.js` joins.
#[napi]
pub struct LongText(IntoIter<Piece>);

#[napi]
impl LongText {
    /// Null behind the last.
    #[napi]
    pub fn next(&mut self) -> Option<Piece> {
        self.0.next()
    }
}

/// The text whole, or to be asked for by pieces.
pub fn cut(text: Text) -> Result<Piece, LongText> {
    let pieces: Vec<Piece> = match text {
        Text::Ascii(text) if text.len() <= PIECE_BYTES => return Ok(Either::A(text.into())),
        Text::Utf16(units) if units.len() <= PIECE_BYTES / 2 => return Ok(Either::B(units.into())),
        Text::Ascii(text) => text.as_bytes().chunks(PIECE_BYTES).map(ascii).collect(),
        Text::Utf16(units) => units.chunks(PIECE_BYTES / 2).map(|piece| Either::B(piece.to_vec().into())).collect(),
    };
    Err(LongText(pieces.into_iter()))
}

fn ascii(piece: &[u8]) -> Piece {
    Either::A(String::from_utf8_lossy(piece).into_owned().into())
}
