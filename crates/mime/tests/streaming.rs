//! A large file is sent without being held: what building and writing take beside the input is counted by the allocator.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests")]
use bytes::Bytes;
use email_base::{Blob, Timestamp};
use email_mime::{AttachmentInit, Content, MessageInit, build};
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const ATTACHMENT: usize = 25 << 20;

/// The promise of the writer.
const EXTRA: usize = 4 << 20;

/// Builds `init`, writes it chunk by chunk, and tells its size and the most that was held beside what was held before.
fn written(init: MessageInit) -> (u64, usize) {
    ALLOCATOR.reset_peak_usage();
    let before = ALLOCATOR.current_usage();
    let mut body = build(init).unwrap().into_body();
    let promised = body.size_hint();
    let mut size = 0;
    while let Some(chunk) = body.next_chunk().unwrap() {
        size += chunk.len() as u64;
    }
    assert_eq!(size, promised);
    (size, ALLOCATOR.peak_usage() - before)
}

fn init(file: AttachmentInit) -> MessageInit {
    MessageInit {
        from: "ada@example.com".into(),
        to: Some("bob@example.com".into()),
        subject: Some("The film".to_owned()),
        text: Some("Here it is.".to_owned()),
        attachments: Some(vec![AttachmentInit { filename: Some("film.bin".to_owned()), ..file }]),
        date: Some(Timestamp(0)),
        ..MessageInit::default()
    }
}

/// One test: the counter is the process's.
#[test]
fn a_large_file_held_whole() {
    let octets: Vec<u8> = (0..ATTACHMENT).map(|n| n as u8).collect();
    let path = std::env::temp_dir().join(format!("email-mime-streaming-{}", std::process::id()));
    std::fs::write(&path, &octets).unwrap();
    let from_disk = init(AttachmentInit { path: path.to_str().map(str::to_owned), ..AttachmentInit::default() });
    let (size, extra) = written(from_disk);
    std::fs::remove_file(&path).unwrap();
    assert!(size > ATTACHMENT as u64 * 4 / 3, "{size}");
    assert!(extra <= EXTRA, "{extra} octets for a file");

    let blob = Content::Bytes(Blob(Bytes::from(octets)));
    let (again, extra) = written(init(AttachmentInit { content: Some(blob.clone()), ..AttachmentInit::default() }));
    assert_eq!(size, again);
    assert!(extra <= EXTRA, "{extra} octets for a buffer");

    // The counter sees it when a message is held whole.
    ALLOCATOR.reset_peak_usage();
    let before = ALLOCATOR.current_usage();
    let file = AttachmentInit { content: Some(blob), ..AttachmentInit::default() };
    let whole = build(init(file)).unwrap().into_body().read_all().unwrap();
    assert!(ALLOCATOR.peak_usage() - before >= whole.len() && whole.len() as u64 == size);
}
