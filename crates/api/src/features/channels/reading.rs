//! Reads the fields of channels. Pure.

use finops_contract::FieldError;
use finops_contract::channels::{
    Carrier, CarrierAccount, CarrierAccountRequest, ChannelType, MailSecurity, MailServer, MailServerRequest,
};
use finops_providers::{Guard, MailRoute, Refused, TwilioSms};
use reqwest::Url;
use secrecy::SecretString;
use validator::ValidateEmail as _;

/// Addresses or numbers of one channel.
const RECIPIENTS: std::ops::RangeInclusive<usize> = 1..=20;
/// The longest URL.
const URL: usize = 2_000;
/// The longest user name or password of a mail server, and the longest key of an account.
const CREDENTIAL: usize = 255;
/// The shortest key of an account: none of theirs is as short.
const KEY: usize = 12;

pub(super) fn fault(pointer: &str, code: &str, message: &str) -> FieldError {
    FieldError { pointer: pointer.into(), code: code.into(), message: message.into() }
}

fn counted(pointer: &str, items: &[String]) -> Result<(), FieldError> {
    if RECIPIENTS.contains(&items.len()) { Ok(()) } else { Err(fault(pointer, "length", "must be 1 to 20")) }
}

pub(super) fn read_addresses(given: &[String]) -> Result<Vec<String>, FieldError> {
    counted("/addresses", given)?;
    let mut read: Vec<String> = Vec::new();
    for (number, address) in given.iter().enumerate() {
        let address = address.trim();
        if !address.validate_email() || MailRoute::new(address, [address]).is_err() {
            return Err(fault(&format!("/addresses/{number}"), "email", "must be an e-mail address"));
        }
        if !read.iter().any(|known| known.eq_ignore_ascii_case(address)) {
            read.push(address.to_owned());
        }
    }
    Ok(read)
}

pub(super) fn read_numbers(given: &[String]) -> Result<Vec<String>, FieldError> {
    counted("/numbers", given)?;
    let mut read: Vec<String> = Vec::new();
    for (place, number) in given.iter().enumerate() {
        let number = number.trim();
        let is_number = number.strip_prefix('+').is_some_and(|digits| {
            (7..=15).contains(&digits.len()) && !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit())
        });
        if !is_number {
            let message = "must be + and 7 to 15 digits, the country code first";
            return Err(fault(&format!("/numbers/{place}"), "telephone_number", message));
        }
        if !read.iter().any(|known| known == number) {
            read.push(number.to_owned());
        }
    }
    Ok(read)
}

pub(super) fn read_url(given: &str, guard: &Guard) -> Result<SecretString, FieldError> {
    if given.len() > URL {
        return Err(fault("/url", "length", "must be at most 2000 characters"));
    }
    guard.check_url(given).map_err(|refused| refusal("/url", refused))?;
    // As it is understood, so that what is stored is what was checked.
    let url = Url::parse(given).map_err(|_| refusal("/url", Refused::NotAUrl))?;
    Ok(SecretString::from(url.as_str()))
}

pub(super) fn read_key(given: &str) -> Result<SecretString, FieldError> {
    let key = given.trim();
    if key.len() == 32 && key.bytes().all(|b| b.is_ascii_alphanumeric()) {
        Ok(SecretString::from(key))
    } else {
        Err(fault("/routingKey", "format", "must be 32 letters and digits"))
    }
}

pub(super) fn read_server(given: &MailServerRequest, guard: &Guard) -> Result<MailServer, FieldError> {
    let usual = match given.security {
        MailSecurity::Tls => 465,
        MailSecurity::Starttls => 587,
    };
    let (host, port) = (given.host.trim().to_ascii_lowercase(), given.port.unwrap_or(usual));
    if port == 0 {
        return Err(fault("/smtp/port", "range", "must be 1 to 65535"));
    }
    guard.check_host(&host, port).map_err(|refused| refusal("/smtp/host", refused))?;
    let is_fit = |text: &Option<String>| {
        text.as_ref()
            .is_none_or(|text| (1..=CREDENTIAL).contains(&text.chars().count()) && !text.chars().any(char::is_control))
    };
    for (pointer, text) in [("/smtp/username", &given.username), ("/smtp/password", &given.password)] {
        if !is_fit(text) {
            return Err(fault(pointer, "length", "must be 1 to 255 characters"));
        }
    }
    if MailRoute::new(&given.from, [&given.from]).is_err() {
        return Err(fault("/smtp/from", "email", "must be mail@example.com or Name <mail@example.com>"));
    }
    let (security, username, from) = (given.security, given.username.clone(), given.from.trim().to_owned());
    Ok(MailServer { host, port, security, username, from })
}

/// An account, and its key if it is given.
pub(super) fn read_account(
    given: &CarrierAccountRequest,
    kind: ChannelType,
) -> Result<(CarrierAccount, Option<SecretString>), FieldError> {
    let (carrier, from) = (given.carrier, given.from.trim());
    let carries = if carrier == Carrier::Twilio { ChannelType::Sms } else { ChannelType::Email };
    if carries != kind {
        return Err(fault("/account/carrier", "not_for_type", "carries messages of another type of channel"));
    }
    let account_sid = given.account_sid.as_deref().map(str::trim);
    match (carrier, account_sid) {
        (Carrier::Twilio, None) => return Err(fault("/account/accountSid", "required", "says whose account it is")),
        (Carrier::Twilio, Some(sid)) if !TwilioSms::is_account(sid) => {
            return Err(fault("/account/accountSid", "format", "must be AC and 32 hexadecimal digits"));
        }
        (Carrier::Resend | Carrier::Sendgrid, Some(_)) => {
            return Err(fault("/account/accountSid", "unexpected", "is Twilio's alone"));
        }
        _ => {}
    }
    match carrier {
        Carrier::Twilio if !TwilioSms::is_sender(from) => {
            return Err(fault("/account/from", "format", "must be a number, a sender's name or a messaging service"));
        }
        Carrier::Resend | Carrier::Sendgrid if MailRoute::new(from, [from]).is_err() => {
            return Err(fault("/account/from", "email", "must be mail@example.com or Name <mail@example.com>"));
        }
        _ => {}
    }
    let begins = match carrier {
        Carrier::Resend => "re_",
        Carrier::Sendgrid => "SG.",
        Carrier::Twilio => "",
    };
    let key = given.key.as_deref().map(str::trim);
    let is_key = |key: &str| {
        (KEY..=CREDENTIAL).contains(&key.len())
            && key.starts_with(begins)
            && key.bytes().all(|byte| byte.is_ascii_graphic())
    };
    if key.is_some_and(|key| !is_key(key)) {
        return Err(fault(
            "/account/key",
            "format",
            "must be re_… of Resend, SG.… of SendGrid, or Twilio's auth token",
        ));
    }
    let account = CarrierAccount { carrier, account_sid: account_sid.map(Into::into), from: from.into() };
    Ok((account, key.map(SecretString::from)))
}

fn refusal(pointer: &str, refused: Refused) -> FieldError {
    let message = match refused {
        Refused::NotAUrl => "is not an address",
        Refused::Scheme => "must begin with https://",
        Refused::UserInfo => "must not hold a user name or a password",
        Refused::LocalName => "is a name of a local network; it must be a public one",
        Refused::Address => "is not a public address",
    };
    fault(pointer, refused.user_reason(), message)
}
