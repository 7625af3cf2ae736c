//! A CSV record as an event: columns are named like an event's fields.

use ::csv::{ReaderBuilder, StringRecord, Trim};
use finops_contract::ErrorCode;
use serde_json::value::{RawValue, to_raw_value};

use super::super::domain::Told;
use super::super::incoming::Reader;
use super::super::reject::Reject;

/// Columns that may hold JSON.
const IN_JSON: [&str; 7] =
    ["usage", "usageMetadata", "metadata", "costAllocation", "cost_allocation", "tags", "tokens"];

fn invalid(pointer: String, message: impl Into<String>) -> Reject {
    Reject::new(ErrorCode::CsvInvalid, pointer, message)
}

/// The fields of a record.
///
/// # Errors
/// `csv_invalid`.
pub(super) fn record(text: &str) -> Result<StringRecord, Reject> {
    let mut reader = ReaderBuilder::new().has_headers(false).trim(Trim::All).from_reader(text.as_bytes());
    let mut record = StringRecord::new();
    reader.read_record(&mut record).map_err(|_| invalid(String::new(), "cannot be read"))?;
    Ok(record)
}

/// The names of the columns.
///
/// # Errors
/// `csv_invalid` for names that are there twice or say nothing.
pub(super) fn columns(text: &str) -> Result<Vec<String>, Reject> {
    let mut names: Vec<String> = Vec::new();
    for name in &record(text)? {
        if name.is_empty() || names.iter().any(|known| known == name) {
            return Err(invalid(format!("/{name}"), "every column needs a name of its own"));
        }
        names.push(name.to_owned());
    }
    Ok(names)
}

/// The event of a record.
///
/// # Errors
/// The first column that cannot be taken.
pub(super) fn read(columns: &[String], text: &str) -> Result<Told, Reject> {
    let record = record(text)?;
    if record.len() != columns.len() {
        let message = format!("has {} columns instead of {}", record.len(), columns.len());
        return Err(invalid(String::new(), message));
    }
    let mut reader = Reader::default();
    for (name, cell) in columns.iter().zip(&record) {
        let (at, cell) = (format!("/{name}"), unguarded(cell));
        if !cell.is_empty() {
            reader.field(name, &value(name, cell, &at)?, &at)?;
        }
    }
    reader.finish()
}

/// Spreadsheets are kept from taking a cell for a formula by an apostrophe before it; our own exports do so too.
fn unguarded(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if rest.starts_with(['=', '+', '-', '@', '\t', '\r']) => rest,
        _ => cell,
    }
}

fn value(name: &str, cell: &str, at: &str) -> Result<Box<RawValue>, Reject> {
    let wrong = |error: serde_json::Error| Reject::json(&error, at);
    if IN_JSON.contains(&name) && cell.starts_with(['{', '[']) {
        return serde_json::from_str(cell).map_err(wrong);
    }
    match (name, cell) {
        ("tags", _) => {
            let tags: Vec<&str> = cell.split(';').map(str::trim).filter(|tag| !tag.is_empty()).collect();
            to_raw_value(&tags).map_err(wrong)
        }
        ("status", "true" | "false") => to_raw_value(&(cell == "true")).map_err(wrong),
        _ => to_raw_value(cell).map_err(wrong),
    }
}

#[cfg(test)]
mod tests {
    use finops_contract::ErrorCode;

    use super::{columns, read};

    fn columns_of(text: &str) -> Vec<String> {
        columns(text).unwrap()
    }

    #[test]
    fn columns_are_fields_in_either_spelling() {
        let columns = columns_of(
            "event_id,model,promptTokens,completion_tokens,cost,timestamp,tags,metadata,service,status,note",
        );
        let told = read(
            &columns,
            "e-1, gpt-4o ,100,20,\"0.10\",2026-03-20T10:00:00Z,a; b,\"{\"\"trace\"\":\"\"t,1\"\"}\",'=bot,false,",
        )
        .unwrap();
        assert_eq!((told.event_id.as_deref(), told.model.as_deref()), (Some("e-1"), Some("gpt-4o")));
        assert_eq!((told.used.sides().0.to_string(), told.used.sides().1.to_string()), ("100".into(), "20".into()));
        assert_eq!(told.reported_cost.unwrap().to_string(), "0.1");
        assert_eq!(told.tags, ["a", "b"]);
        assert_eq!((told.metadata["trace"].as_str(), told.metadata.len()), (Some("t,1"), 1));
        assert_eq!((told.service.as_deref(), told.failed), (Some("=bot"), true));
        let quoted = read(&columns_of("model,service"), "gpt-4o,'quoted'").unwrap();
        assert_eq!(quoted.service.as_deref(), Some("'quoted'"));
    }

    #[test]
    fn wrong_records_are_refused_with_their_column() {
        let columns = columns_of("model,promptTokens,metadata");
        for (text, code, pointer) in [
            ("gpt-4o,1", ErrorCode::CsvInvalid, ""),
            ("gpt-4o,many,", ErrorCode::QuantityInvalid, "/promptTokens"),
            ("gpt-4o,-1,", ErrorCode::QuantityInvalid, "/promptTokens"),
            ("gpt-4o,1,{", ErrorCode::MalformedJson, "/metadata"),
        ] {
            let reject = read(&columns, text).unwrap_err();
            assert_eq!((reject.code, reject.pointer.as_str()), (code, pointer), "{text}");
        }
        for text in ["a,a", "a,,b"] {
            assert_eq!(super::columns(text).unwrap_err().code, ErrorCode::CsvInvalid, "{text}");
        }
    }
}
