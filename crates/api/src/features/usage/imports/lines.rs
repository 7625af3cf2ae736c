//! Lines out of bytes, as they come: NDJSON's, and CSV's records, which may hold line ends in quotes.

use finops_contract::ErrorCode;
use finops_contract::usage_imports::ImportFormat;

use super::super::reject::Reject;

/// The longest line; an event of the API may be no longer either.
pub(super) const MAX_LINE: usize = 64 * 1024;

/// A line, without its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// From 1, as editors count.
    pub(super) number: u64,
    pub(super) text: Result<String, Reject>,
}

/// Where in a CSV record a byte is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    FieldStart,
    Field,
    Quoted,
    /// After a quote inside quotes: their end, or half of a doubled one.
    QuoteEnd,
}

/// Cuts bytes into lines.
#[derive(Debug)]
pub(super) struct Splitter {
    format: ImportFormat,
    place: Place,
    line: Vec<u8>,
    too_long: bool,
    /// The number of the line that is being read, and of the one after it.
    number: u64,
    next_number: u64,
    /// Bytes of the line that is being read, its end included.
    length: u64,
    /// Bytes of whole lines.
    whole: u64,
}

impl Splitter {
    /// Begins at the beginning of a line.
    pub(super) fn new(format: ImportFormat, number: u64) -> Self {
        let place = if format == ImportFormat::Csv { Place::FieldStart } else { Place::Field };
        Self { format, place, line: Vec::new(), too_long: false, number, next_number: number, length: 0, whole: 0 }
    }

    /// Bytes of the whole lines so far.
    pub(super) const fn whole(&self) -> u64 {
        self.whole
    }

    /// The number of the line after the whole ones.
    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// Takes bytes and adds the lines that they end.
    pub(super) fn push(&mut self, bytes: &[u8], lines: &mut Vec<Line>) {
        for byte in bytes {
            self.length += 1;
            self.next_number += u64::from(*byte == b'\n');
            if self.ends(*byte) {
                lines.extend(self.end());
            } else if self.line.len() < MAX_LINE {
                self.line.push(*byte);
            } else if !self.too_long {
                self.too_long = true;
                // Whatever was in quotes: the next line is a new beginning.
                self.place = Place::Field;
            }
        }
    }

    /// The last line, which may lack its end.
    pub(super) fn finish(&mut self) -> Option<Line> {
        if self.length == 0 {
            return None;
        }
        self.next_number += 1;
        self.end()
    }

    /// Whether this byte ends the line.
    fn ends(&mut self, byte: u8) -> bool {
        if self.format == ImportFormat::Ndjson || self.too_long {
            return byte == b'\n';
        }
        self.place = match (self.place, byte) {
            (Place::FieldStart | Place::Field | Place::QuoteEnd, b'\n') => return true,
            (Place::Quoted, b'"') => Place::QuoteEnd,
            (Place::FieldStart | Place::QuoteEnd, b'"') | (Place::Quoted, _) => Place::Quoted,
            (Place::FieldStart | Place::Field | Place::QuoteEnd, b',') => Place::FieldStart,
            (Place::FieldStart | Place::Field | Place::QuoteEnd, _) => Place::Field,
        };
        false
    }

    fn end(&mut self) -> Option<Line> {
        let (number, too_long) = (self.number, std::mem::take(&mut self.too_long));
        self.number = self.next_number;
        self.whole += std::mem::take(&mut self.length);
        self.place = if self.format == ImportFormat::Csv { Place::FieldStart } else { Place::Field };
        let mut bytes = std::mem::take(&mut self.line);
        if too_long {
            let message = format!("must be at most {MAX_LINE} bytes");
            return Some(Line { number, text: Err(Reject::new(ErrorCode::PayloadTooLarge, "", message)) });
        }
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
        if number == 1 && bytes.starts_with(b"\xef\xbb\xbf") {
            bytes.drain(..3);
        }
        if bytes.trim_ascii().is_empty() {
            return None;
        }
        let code = if self.format == ImportFormat::Csv { ErrorCode::CsvInvalid } else { ErrorCode::MalformedJson };
        let text = match String::from_utf8(bytes) {
            Ok(text) if !text.contains('\0') => Ok(text),
            _ => Err(Reject::new(code, "", "must be UTF-8 text")),
        };
        Some(Line { number, text })
    }
}

#[cfg(test)]
mod tests {
    use finops_contract::ErrorCode;
    use finops_contract::usage_imports::ImportFormat;
    use proptest::prelude::*;

    use super::{Line, MAX_LINE, Splitter};

    type Told = (u64, Result<String, ErrorCode>);

    fn split(format: ImportFormat, parts: &[&[u8]]) -> (Vec<Told>, u64) {
        let (mut splitter, mut lines) = (Splitter::new(format, 1), Vec::new());
        parts.iter().for_each(|part| splitter.push(part, &mut lines));
        lines.extend(splitter.finish());
        let told = |line: Line| (line.number, line.text.map_err(|reject| reject.code));
        (lines.into_iter().map(told).collect(), splitter.whole())
    }

    fn texts(format: ImportFormat, text: &str) -> Vec<(u64, String)> {
        split(format, &[text.as_bytes()]).0.into_iter().map(|(number, text)| (number, text.unwrap())).collect()
    }

    #[test]
    fn lines_keep_the_numbers_that_editors_show() {
        let lines = texts(ImportFormat::Ndjson, "\u{feff}{\"a\":\"\\\"\"}\r\n\n  \n{}\nlast");
        assert_eq!(lines, [(1, "{\"a\":\"\\\"\"}".into()), (4, "{}".into()), (5, "last".into())]);
        let csv = "a,b\n\"two\nlines\",\"q\"\"\n\"\nx\"y,\"z\n\"\n";
        let lines = texts(ImportFormat::Csv, csv);
        assert_eq!(lines, [(1, "a,b".into()), (2, "\"two\nlines\",\"q\"\"\n\"".into()), (5, "x\"y,\"z\n\"".into())]);
    }

    #[test]
    fn what_no_line_can_be_is_refused_alone() {
        let long = vec![b'x'; MAX_LINE + 1];
        let (lines, whole) = split(ImportFormat::Ndjson, &[b"a\n", &long, b"\n\xff\nb\0\nc"]);
        assert_eq!(
            lines,
            [
                (1, Ok("a".into())),
                (2, Err(ErrorCode::PayloadTooLarge)),
                (3, Err(ErrorCode::MalformedJson)),
                (4, Err(ErrorCode::MalformedJson)),
                (5, Ok("c".into()))
            ]
        );
        assert_eq!(whole, 2 + MAX_LINE as u64 + 2 + 2 + 3 + 1);
        let open = vec![b'x'; MAX_LINE];
        let (lines, _) = split(ImportFormat::Csv, &[b"a\n\"", &open, b"yy\nb,c\n"]);
        assert_eq!(lines, [(1, Ok("a".into())), (2, Err(ErrorCode::PayloadTooLarge)), (3, Ok("b,c".into()))]);
    }

    proptest! {
        #[test]
        fn where_bytes_are_cut_changes_nothing(text in "[a,\"\n\r{} ]{0,60}", cut in 0usize..60) {
            for format in [ImportFormat::Csv, ImportFormat::Ndjson] {
                let cut = cut.min(text.len());
                let (bytes, both) = (text.as_bytes(), text.as_bytes().split_at(cut));
                prop_assert_eq!(split(format, &[bytes]), split(format, &[both.0, both.1]));
            }
        }

        #[test]
        fn records_are_those_that_the_csv_reader_finds(text in "[a,\"\n]{0,40}") {
            let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
            let records: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().unwrap();
            let ours = texts(ImportFormat::Csv, &text);
            let ours: Vec<csv::StringRecord> = ours.iter().map(|(_, text)| super::super::csv::record(text).unwrap()).collect();
            prop_assert_eq!(ours, records);
        }
    }
}
