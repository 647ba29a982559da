#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| email_fuzz::on_small_stack(input, email_imap::fuzzing::frames));
