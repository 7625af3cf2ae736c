//! The table as a file.

use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};

/// One cell of a CSV file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    /// Anything that somebody has typed, here or at the provider.
    Text(String),
    /// A decimal of ours: digits, a point, a sign.
    Number(String),
}

/// RFC 4180 with the byte order mark without which spreadsheets take UTF-8 for something else.
pub(super) fn csv(rows: &[Vec<Cell>]) -> String {
    let mut out = String::from("\u{feff}");
    for row in rows {
        let cells: Vec<_> = row.iter().map(write).collect();
        out.push_str(&cells.join(","));
        out.push_str("\r\n");
    }
    out
}

fn write(cell: &Cell) -> String {
    let text = match cell {
        // A credit starts with a minus and must stay a number: a text would be left out of sums.
        Cell::Number(number) => return number.clone(),
        Cell::Text(text) => text,
    };
    // A spreadsheet would run it as a formula.
    let dangerous = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = format!("{}{text}", if dangerous { "'" } else { "" });
    if text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// Gives the browser a file to keep.
pub(super) fn download(name: &str, text: &str) -> Result<(), JsValue> {
    let kind = web_sys::BlobPropertyBag::new();
    kind.set_type("text/csv;charset=utf-8");
    let parts = js_sys::Array::of1(&text.into());
    let blob = web_sys::Blob::new_with_str_sequence_and_options(&parts, &kind)?;
    let address = web_sys::Url::create_object_url_with_blob(&blob)?;
    let link: web_sys::HtmlElement = document().create_element("a")?.unchecked_into();
    link.set_attribute("href", &address)?;
    link.set_attribute("download", name)?;
    link.click();
    // The click has taken what it needs once this turn is over.
    set_timeout(
        move || {
            let _ = web_sys::Url::revoke_object_url(&address);
        },
        std::time::Duration::from_secs(10),
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Cell, csv};

    fn text(text: &str) -> Cell {
        Cell::Text(text.to_owned())
    }

    #[test]
    fn nothing_is_run_as_a_formula() {
        for bad in ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"] {
            let file = csv(&[vec![text(bad)]]);
            let cell = file.trim_start_matches('\u{feff}').trim_start_matches('"');
            assert!(cell.starts_with('\''), "{bad:?} became {cell:?}");
        }
        assert_eq!(csv(&[vec![text("a-b")]]), "\u{feff}a-b\r\n");
    }

    #[test]
    fn commas_quotes_and_lines_stay_in_their_cell() {
        let row = vec![text("gpt-5.4, input"), text("a \"b\""), text("a\nb"), Cell::Number("-3.500000".to_owned())];
        assert_eq!(csv(&[row]), "\u{feff}\"gpt-5.4, input\",\"a \"\"b\"\"\",\"a\nb\",-3.500000\r\n");
    }
}
