//! Stateless pseudo-randomness: every value is a pure function of the seed and of what it is about, so that a day
//! generated twice, in any order, is the same day.

/// Mixes one word into a hash (the finaliser of SplitMix64).
fn mix(state: u64, word: u64) -> u64 {
    let mut z = state.wrapping_add(0x9E37_79B9_7F4A_7C15).wrapping_add(word.wrapping_mul(0xD6E8_FEB8_6659_FD93));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Hashes a list of words.
pub(crate) fn hash(words: &[u64]) -> u64 {
    words.iter().fold(0x51_7C_C1_B7_27_22_0A_95, |state, word| mix(state, *word))
}

/// Hashes a text to one word (FNV-1a, then mixed).
pub(crate) fn hash_text(text: &str) -> u64 {
    let fnv = text
        .bytes()
        .fold(0xCBF2_9CE4_8422_2325_u64, |state, byte| (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3));
    mix(fnv, text.len() as u64)
}

/// A factor between `low` and `high` in millionths, drawn from `word`.
pub(crate) fn between_ppm(word: u64, low: u64, high: u64) -> u64 {
    low + word % (high - low + 1)
}

/// An identifier body of `length` lower-case letters and digits, drawn from `word`.
pub(crate) fn identifier(word: u64, length: usize) -> String {
    const ALPHABET: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut state = word;
    (0..length)
        .map(|index| {
            state = mix(state, index as u64);
            char::from(ALPHABET[(state % 36) as usize])
        })
        .collect()
}

/// `length` hexadecimal digits, drawn from `word`.
pub(crate) fn hexadecimal(word: u64, length: usize) -> String {
    let digits = (0u64..).flat_map(|index| format!("{:016x}", hash(&[word, index])).into_bytes());
    digits.take(length).map(char::from).collect()
}

/// Something with the form of a UUID, drawn from `word`.
pub(crate) fn uuid(word: u64) -> String {
    let digits = hexadecimal(word, 32);
    format!("{}-{}-4{}-8{}-{}", &digits[..8], &digits[8..12], &digits[13..16], &digits[17..20], &digits[20..])
}

#[cfg(test)]
mod tests {
    use super::{between_ppm, hash, identifier};

    #[test]
    fn the_same_words_give_the_same_value_and_the_order_matters() {
        assert_eq!(hash(&[1, 2]), hash(&[1, 2]));
        assert_ne!(hash(&[1, 2]), hash(&[2, 1]));
        assert_eq!(identifier(7, 24).len(), 24);
        assert!((5..=9).contains(&between_ppm(u64::MAX, 5, 9)));
    }
}
