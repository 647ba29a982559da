//! MAPI properties inside TNEF (MS-OXTNEF §2.1.3.4, MS-OXCDATA §2.11).
//!
//! ```text
//! MsgPropertyList = count *( type id [ named ] value )
//! named           = guid ( 0 id / 1 length name padding )
//! value           = fixed / count *( length octets padding )
//! ```

use std::collections::HashMap;

use encoding_rs::{Encoding, UTF_16LE};

use super::Cursor;

/// Properties of one list; an honest one has about a hundred.
const MAX_PROPERTIES: usize = 5_000;

pub(super) const SUBJECT: u16 = 0x0037;
pub(super) const START_DATE: u16 = 0x0060;
pub(super) const END_DATE: u16 = 0x0061;
pub(super) const SENT_REPRESENTING_EMAIL: u16 = 0x0065;
pub(super) const SENDER_EMAIL: u16 = 0x0C1F;
pub(super) const BODY: u16 = 0x1000;
pub(super) const RTF_COMPRESSED: u16 = 0x1009;
pub(super) const HTML: u16 = 0x1013;
pub(super) const DISPLAY_NAME: u16 = 0x3001;
pub(super) const ATTACH_DATA: u16 = 0x3701;
pub(super) const ATTACH_LONG_FILENAME: u16 = 0x3707;
pub(super) const ATTACH_MIME_TAG: u16 = 0x370E;
pub(super) const ATTACH_CONTENT_ID: u16 = 0x3712;
pub(super) const INTERNET_CODE_PAGE: u16 = 0x3FDE;
/// Named properties (MS-OXPROPS): PidLidAppointmentStartWhole and so on.
pub(super) const APPOINTMENT_START: u32 = 0x820D;
pub(super) const APPOINTMENT_END: u32 = 0x820E;
pub(super) const GLOBAL_OBJECT_ID: u32 = 0x0003;
pub(super) const CLEAN_GLOBAL_OBJECT_ID: u32 = 0x0023;

#[derive(Debug, Clone)]
enum Value {
    Number(u64),
    Text(String),
    Binary(Vec<u8>),
}

/// Properties by identifier, named ones by their long identifier.
#[derive(Debug, Default)]
pub(super) struct Properties {
    plain: HashMap<u16, Value>,
    named: HashMap<u32, Value>,
}

impl Properties {
    pub(super) fn read(data: &[u8], code_page: &'static Encoding) -> Self {
        let mut all = Self::default();
        let mut cursor = Cursor(data);
        let count = cursor.u32().and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
        for _ in 0..count.min(MAX_PROPERTIES) {
            if all.property(&mut cursor, code_page).is_none() {
                break;
            }
        }
        all
    }

    fn property(&mut self, cursor: &mut Cursor<'_>, code_page: &'static Encoding) -> Option<()> {
        let (kind, id) = (cursor.u16()?, cursor.u16()?);
        let long_id = if id >= 0x8000 { named(cursor)? } else { None };
        let value = value(cursor, kind, code_page)?;
        if let Some(value) = value {
            match long_id {
                Some(long) => self.named.entry(long).or_insert(value),
                None => self.plain.entry(id).or_insert(value),
            };
        }
        Some(())
    }

    pub(super) fn text(&self, id: u16) -> Option<String> {
        match self.plain.get(&id)? {
            Value::Text(text) => Some(text.clone()).filter(|t| !t.is_empty()),
            _ => None,
        }
    }

    pub(super) fn binary(&self, id: u16) -> Option<&[u8]> {
        match self.plain.get(&id)? {
            Value::Binary(octets) => Some(octets),
            _ => None,
        }
    }

    pub(super) fn number(&self, id: u16) -> Option<u32> {
        match self.plain.get(&id)? {
            Value::Number(number) => u32::try_from(*number).ok(),
            _ => None,
        }
    }

    /// Milliseconds since 1970 of a time property.
    pub(super) fn time(&self, id: u16) -> Option<i64> {
        self.plain.get(&id).and_then(filetime)
    }

    pub(super) fn named_time(&self, id: u32) -> Option<i64> {
        self.named.get(&id).and_then(filetime)
    }

    pub(super) fn named_binary(&self, id: u32) -> Option<&[u8]> {
        match self.named.get(&id)? {
            Value::Binary(octets) => Some(octets),
            _ => None,
        }
    }
}

/// Ticks of 100 ns since 1601.
fn filetime(value: &Value) -> Option<i64> {
    const TO_1970_MS: i64 = 11_644_473_600_000;
    match value {
        Value::Number(ticks) => {
            i64::try_from(ticks / 10_000).ok()?.checked_sub(TO_1970_MS).filter(|ms| ms.abs() < 8_640_000_000_000_000)
        }
        _ => None,
    }
}

/// The identifier of a named property; a name in words is skipped.
fn named(cursor: &mut Cursor<'_>) -> Option<Option<u32>> {
    cursor.take(16)?;
    match cursor.u32()? {
        0 => cursor.u32().map(Some),
        _ => {
            let length = usize::try_from(cursor.u32()?).ok()?;
            cursor.take(length.checked_next_multiple_of(4)?)?;
            Some(None)
        }
    }
}

/// The first value; all of a list are passed over. `Some(None)` for a kind of no interest.
fn value(cursor: &mut Cursor<'_>, kind: u16, code_page: &'static Encoding) -> Option<Option<Value>> {
    let is_list = kind & 0x1000 != 0;
    let base = kind & 0x0FFF;
    let fixed = match base {
        0x0002 | 0x0003 | 0x0004 | 0x000A | 0x000B | 0x0001 => 4,
        0x0005 | 0x0006 | 0x0007 | 0x0014 | 0x0040 => 8,
        0x0048 => 16,
        _ => 0,
    };
    let is_variable = fixed == 0;
    let count = if is_list || is_variable { usize::try_from(cursor.u32()?).ok()? } else { 1 };
    let mut first = None;
    for n in 0..count {
        let value = if is_variable { variable(cursor, base, code_page)? } else { number(cursor, fixed)? };
        if n == 0 {
            first = value;
        }
    }
    Some(first)
}

fn number(cursor: &mut Cursor<'_>, length: usize) -> Option<Option<Value>> {
    Some(match length {
        4 => Some(Value::Number(cursor.u32()?.into())),
        8 => Some(Value::Number(cursor.u64()?)),
        _ => {
            cursor.take(length)?;
            None
        }
    })
}

fn variable(cursor: &mut Cursor<'_>, base: u16, code_page: &'static Encoding) -> Option<Option<Value>> {
    let length = usize::try_from(cursor.u32()?).ok()?;
    let octets = cursor.take(length)?;
    // The padding of the last value may be missing.
    let padding = length.next_multiple_of(4) - length;
    cursor.take(padding.min(cursor.0.len()));
    Some(match base {
        0x001E => Some(Value::Text(text(code_page, octets))),
        0x001F => Some(Value::Text(text(UTF_16LE, octets))),
        0x0102 => Some(Value::Binary(octets.to_vec())),
        // An object begins with the identifier of its interface.
        0x000D => Some(Value::Binary(octets.get(16..).unwrap_or_default().to_vec())),
        _ => None,
    })
}

fn text(encoding: &'static Encoding, octets: &[u8]) -> String {
    let decoded = encoding.decode_without_bom_handling(octets).0;
    decoded.split('\0').next().unwrap_or_default().replace("\r\n", "\n")
}
