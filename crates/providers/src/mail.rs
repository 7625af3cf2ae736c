//! What the mail services have in common: who writes to whom.

use lettre::message::Mailbox;

use crate::error::ProviderError;

/// Longest subject, in characters: more is not shown anywhere.
pub(crate) const SUBJECT: usize = 250;

/// Sender and recipients. The recipients see each other; whom that must not happen to gets a client of their own.
#[derive(Debug, Clone)]
pub struct MailRoute {
    pub(crate) from: Mailbox,
    pub(crate) to: Vec<Mailbox>,
}

impl MailRoute {
    /// Takes addresses as `mail@example.com` or `Name <mail@example.com>`; who comes twice is written to once.
    ///
    /// # Errors
    /// [`ProviderError::InvalidRequest`] when one is none, or there are no recipients or more than 50.
    pub fn new<S: AsRef<str>>(from: &str, to: impl IntoIterator<Item = S>) -> Result<Self, ProviderError> {
        let parse = |text: &str| text.trim().parse::<Mailbox>().ok();
        let invalid = |reason| ProviderError::InvalidRequest { reason };
        let from = parse(from).ok_or(invalid("the sender is not a mail address"))?;
        let mut recipients: Vec<Mailbox> = Vec::new();
        for text in to {
            let mailbox = parse(text.as_ref()).ok_or(invalid("a recipient is not a mail address"))?;
            let address = |mailbox: &Mailbox| mailbox.email.to_string().to_ascii_lowercase();
            if !recipients.iter().any(|known| address(known) == address(&mailbox)) {
                recipients.push(mailbox);
            }
        }
        if !(1..=50).contains(&recipients.len()) {
            return Err(invalid("a mail has 1 to 50 recipients"));
        }
        Ok(Self { from, to: recipients })
    }
}

#[cfg(test)]
mod tests {
    use super::MailRoute;

    #[test]
    fn addresses_are_parsed_and_told_apart() {
        let route = MailRoute::new("FinOps <a@example.com>", ["b@example.com", "B <B@example.com>", "c@example.com"]);
        let to: Vec<String> = route.unwrap().to.iter().map(ToString::to_string).collect();
        assert_eq!(to, ["b@example.com", "c@example.com"]);
        for (from, to) in
            [("a", vec!["b@example.com"]), ("a@example.com", vec![]), ("a@example.com", vec!["b\r\nBcc: c@d"])]
        {
            assert_eq!(MailRoute::new(from, to).unwrap_err().user_reason(), "invalid_request");
        }
        assert!(MailRoute::new("a@example.com", (0..51).map(|n| format!("u{n}@example.com"))).is_err());
    }
}
