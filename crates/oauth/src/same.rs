//! Comparison of secrets whose time tells nothing about where they differ.

use sha2::{Digest, Sha256};

/// Whether `a` and `b` are equal. Digests are compared, in full, so neither length nor position of a difference shows.
pub(crate) fn same(a: &str, b: &str) -> bool {
    let (a, b) = (Sha256::digest(a), Sha256::digest(b));
    let difference = a.iter().zip(b.iter()).fold(0, |so_far, (x, y)| so_far | (x ^ y));
    std::hint::black_box(difference) == 0
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn equal_and_not() {
        assert!(same("", "") && same("state", "state"));
        assert!(!same("state", "statf") && !same("state", "stat") && !same("", "s"));
    }
}
