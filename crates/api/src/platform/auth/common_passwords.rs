//! Passwords that are guessed first.

use std::collections::HashSet;
use std::sync::LazyLock;

/// One a line, with a line about where they are from.
const LIST: &str = include_str!("common_passwords.txt");
/// Fewer different characters than these are a pattern, not a password.
const LEAST_DIFFERENT: usize = 5;

static COMMON: LazyLock<HashSet<&str>> = LazyLock::new(|| LIST.lines().filter(|line| !line.starts_with('#')).collect());

/// Whether a password is among the first to be guessed: a common one, digits alone, a few characters over and over, or what
/// is known of the person anyway (`known`: their address, their name).
pub fn is_common(password: &str, known: &[&str]) -> bool {
    let password = password.trim().to_lowercase();
    let different: HashSet<char> = password.chars().collect();
    different.len() < LEAST_DIFFERENT
        || password.chars().all(|c| c.is_ascii_digit())
        || COMMON.contains(password.as_str())
        || known.iter().any(|known| password == known.trim().to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_guessed_first_is_known() {
        for common in
            ["qwertyuiop123", "Password1234", "123456789012", "aaaaaaaaaaaaaaaa", "abababababab", " 1q2w3e4r5t6y "]
        {
            assert!(is_common(common, &[]), "{common}");
        }
        for fine in ["correct horse battery", "다람쥐 헌 쳇바퀴에 타고파", "x7#kLq9!vBn2"] {
            assert!(!is_common(fine, &[]), "{fine}");
        }
        assert!(is_common("FinOps@Example.com", &["finops@example.com"]));
    }

    #[test]
    fn the_list_holds_only_what_is_long_enough_to_be_a_password() {
        assert!(COMMON.len() > 150);
        for line in COMMON.iter() {
            assert!(line.chars().count() >= 12 && *line == line.to_lowercase(), "{line}");
        }
    }
}
