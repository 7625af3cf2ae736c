//! Who gets the report, as it is typed in: an address a line, a field a language. Pure.

use finops_contract::accounts::Locale;
use finops_contract::reports::{MAX_RECIPIENTS, ReportRecipient};

use crate::features::auth::looks_like_email;

/// The languages, in the order of their fields and of what is sent.
pub(super) const LOCALES: [Locale; 2] = [Locale::Ko, Locale::En];

/// What is wrong: pointer and code, as the service would say.
pub(super) type Wrong = Vec<(String, &'static str)>;

/// The addresses of one field.
fn lines(text: &str) -> impl Iterator<Item = String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned)
}

/// The fields' texts for who gets it now.
pub(super) fn write(recipients: &[ReportRecipient]) -> [String; 2] {
    LOCALES.map(|locale| {
        let of_language = recipients.iter().filter(|one| one.locale == locale);
        of_language.map(|one| one.email.as_str()).collect::<Vec<_>>().join("\n")
    })
}

/// Who gets it, or what is wrong with that.
pub(super) fn read(texts: &[String; 2]) -> Result<Vec<ReportRecipient>, Wrong> {
    let of_language = |(locale, text): (Locale, &String)| -> Vec<_> {
        lines(text).map(|email| ReportRecipient { email, locale }).collect()
    };
    let all: Vec<_> = LOCALES.into_iter().zip(texts).flat_map(of_language).collect();
    let mut wrong = Wrong::new();
    if all.len() > MAX_RECIPIENTS {
        wrong.push(("/recipients".to_owned(), "too_many"));
    }
    for (index, one) in all.iter().enumerate() {
        let is_known = all[..index].iter().any(|other| other.email.eq_ignore_ascii_case(&one.email));
        let code = match (looks_like_email(&one.email), is_known) {
            (true, false) => continue,
            (true, true) => "duplicate",
            (false, _) => "email",
        };
        wrong.push((format!("/recipients/{index}/email"), code));
    }
    if wrong.is_empty() { Ok(all) } else { Err(wrong) }
}

/// Which field a pointer is about, and which line of it; lines count from 1.
pub(super) fn place(pointer: &str, first: &str) -> Option<(usize, usize)> {
    let index: usize = pointer.strip_prefix("/recipients/")?.split('/').next()?.parse().ok()?;
    let count = lines(first).count();
    Some(if index < count { (0, index + 1) } else { (1, index - count + 1) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(ko: &str, en: &str) -> [String; 2] {
        [ko.to_owned(), en.to_owned()]
    }

    #[test]
    fn what_is_written_is_read_again() {
        let all = read(&texts(" a@example.com \n\nb@example.com", "c@example.com\n")).unwrap();
        assert_eq!(
            all.iter().map(|one| (one.email.as_str(), one.locale)).collect::<Vec<_>>(),
            [("a@example.com", Locale::Ko), ("b@example.com", Locale::Ko), ("c@example.com", Locale::En)]
        );
        assert_eq!(read(&write(&all)).unwrap(), all);
        assert_eq!(read(&texts(" ", "\n")).unwrap(), []);
    }

    #[test]
    fn a_mistake_is_told_by_its_line() {
        let wrong = read(&texts("a@example.com\nnobody", "A@example.com")).unwrap_err();
        assert_eq!(
            wrong,
            [("/recipients/1/email".to_owned(), "email"), ("/recipients/2/email".to_owned(), "duplicate")]
        );
        let at = |pointer: &str| place(pointer, "a@example.com\n\nnobody\n");
        assert_eq!([at("/recipients/1/email"), at("/recipients/2/email")], [Some((0, 2)), Some((1, 1))]);
        assert_eq!(at("/recipients"), None);
    }

    #[test]
    fn there_is_an_end_to_it() {
        let many = (0..51).map(|n| format!("a{n}@example.com")).collect::<Vec<_>>().join("\n");
        assert_eq!(read(&texts(&many, "")).unwrap_err(), [("/recipients".to_owned(), "too_many")]);
    }
}
