//! Takes a file as it arrives.

use std::io::Write as _;

use actix_web::dev::Payload;
use actix_web::{HttpRequest, web};
use aws_lc_rs::digest::{Context, SHA256};
use finops_contract::ErrorCode;
use finops_contract::usage_imports::ImportFormat;
use flate2::write::MultiGzDecoder;
use futures_util::StreamExt as _;

use super::super::reject::Reject;
use super::csv;
use super::lines::{Line, Splitter};
use super::store::{self, Import, Part};
use crate::platform::http::extract::{BODY_TIMEOUT, is_gzip};
use crate::platform::http::{ApiError, ApiResult, Ctx};
use crate::platform::state::State;

/// Lines and bytes after which a slice is put away.
const SLICE_LINES: usize = 1_000;
const SLICE_BYTES: usize = 1024 * 1024;
/// Bytes that are cut into lines before it is looked whether that is enough.
const PIECE: usize = 4 * 1024;
/// Packed bytes that are unpacked at a time: gzip makes a thousand of one at most.
const PACKED_PIECE: usize = 1024;
/// How much larger than what was sent what came out of it may be. Events pack to a tenth, repeated ones to a fiftieth.
const MAX_SWELLING: u64 = 250;
/// What may come out of very little.
const SWELLING_ALLOWED: u64 = 1024 * 1024;

/// A chain of hashes over the lines of a file. Each is what the line is known by: the same for the same line after the
/// same lines, in whatever pieces they were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chain(pub(super) [u8; 32]);

impl Chain {
    /// Before the first line.
    pub(super) fn begin(format: ImportFormat) -> Self {
        Self([0; 32]).after(format.name())
    }

    /// After a line more.
    #[must_use]
    pub(super) fn after(self, line: &str) -> Self {
        let mut hash = Context::new(&SHA256);
        hash.update(&self.0);
        hash.update(line.as_bytes());
        let digest = hash.finish();
        Self(std::array::from_fn(|place| digest.as_ref()[place]))
    }

    /// The id of the line that it ends with: 128 bits of it.
    pub(super) fn event_id(self) -> String {
        format!("import-{:032x}", u128::from_be_bytes(std::array::from_fn(|place| self.0[place])))
    }
}

/// Takes what a request brings. What arrived as whole lines is kept even if the rest does not arrive.
///
/// # Errors
/// `import_offset` when somebody else went on with it; `csv_invalid` for the columns; `encoding_invalid`,
/// `payload_too_large`, `request_timeout`, `bad_request` for how it arrives.
pub(super) async fn append(
    state: &State,
    ctx: &Ctx,
    import: Import,
    request: &HttpRequest,
    payload: Payload,
    complete: bool,
) -> ApiResult<Import> {
    let packing = if is_gzip(request)? { Some(MultiGzDecoder::new(Vec::new())) } else { None };
    let mut upload = Upload::new(state, ctx, import);
    let arrived = upload.take(payload, packing).await;
    // The last line may lack its end only if this is the end.
    if arrived.is_ok() && complete {
        let last = upload.splitter.finish();
        upload.lines.extend(last);
    }
    let sorted = upload.sort();
    upload.put_away().await?;
    arrived?;
    sorted?;
    Ok(upload.import)
}

struct Upload<'a> {
    state: &'a State,
    ctx: &'a Ctx,
    import: Import,
    splitter: Splitter,
    /// Where the splitter began.
    base: u64,
    lines: Vec<Line>,
    part: Part,
    chain: Chain,
    bytes: usize,
    /// Without its columns nothing of a file can be kept.
    spoiled: bool,
}

impl<'a> Upload<'a> {
    fn new(state: &'a State, ctx: &'a Ctx, import: Import) -> Self {
        let splitter = Splitter::new(import.format, import.next_line);
        let (base, chain) = (import.received_bytes, import.chain);
        let part = Part::new(chain);
        Self { state, ctx, import, splitter, base, lines: Vec::new(), part, chain, bytes: 0, spoiled: false }
    }

    async fn take(&mut self, mut payload: Payload, mut packing: Option<MultiGzDecoder<Vec<u8>>>) -> ApiResult<()> {
        let (mut packed, mut unpacked) = (0_u64, 0_u64);
        loop {
            let next = tokio::time::timeout(BODY_TIMEOUT, payload.next()).await;
            let Some(chunk) = next.map_err(|_| ErrorCode::RequestTimeout)? else { break };
            let chunk: web::Bytes =
                chunk.map_err(|error| ApiError::new(ErrorCode::BadRequest).with_detail(error.to_string()))?;
            let Some(decoder) = &mut packing else {
                self.take_bytes(&chunk).await?;
                continue;
            };
            for piece in chunk.chunks(PACKED_PIECE) {
                decoder.write_all(piece).map_err(|error| broken(&error))?;
                let bytes = std::mem::take(decoder.get_mut());
                packed += piece.len() as u64;
                unpacked += bytes.len() as u64;
                if unpacked > packed * MAX_SWELLING + SWELLING_ALLOWED {
                    let detail = "it unpacks to more than any file of events does";
                    return Err(ApiError::new(ErrorCode::PayloadTooLarge).with_detail(detail));
                }
                self.take_bytes(&bytes).await?;
            }
        }
        if let Some(decoder) = packing {
            let rest = decoder.finish().map_err(|error| broken(&error))?;
            self.take_bytes(&rest).await?;
        }
        Ok(())
    }

    async fn take_bytes(&mut self, bytes: &[u8]) -> ApiResult<()> {
        for piece in bytes.chunks(PIECE) {
            self.splitter.push(piece, &mut self.lines);
            self.sort()?;
            let is_full = self.part.len() >= SLICE_LINES || self.bytes >= SLICE_BYTES;
            if is_full || self.splitter.whole() - self.part.whole >= 16 * SLICE_BYTES as u64 {
                self.put_away().await?;
            }
        }
        Ok(())
    }

    /// Sorts the lines that were cut into what is put away and what is refused.
    fn sort(&mut self) -> ApiResult<()> {
        for Line { number, text } in self.lines.drain(..) {
            match text {
                text if self.import.format == ImportFormat::Csv && self.import.columns.is_none() => {
                    let columns = text.and_then(|text| Ok((csv::columns(&text)?, text)));
                    let (columns, text) = columns.inspect_err(|_| self.spoiled = true)?;
                    self.import.columns = Some(columns);
                    self.chain = self.chain.after(&text);
                    self.part.chain = self.chain;
                }
                Ok(text) => {
                    self.chain = self.chain.after(&text);
                    self.bytes += text.len();
                    self.part.numbers.push(number.cast_signed());
                    self.part.texts.push(text);
                }
                Err(reject) => self.part.rejects.push((number.cast_signed(), reject)),
            }
        }
        Ok(())
    }

    /// Puts away what has gathered, and how far the upload is, in one transaction.
    async fn put_away(&mut self) -> ApiResult<()> {
        let whole = self.splitter.whole();
        if self.spoiled || whole == self.part.whole {
            return Ok(());
        }
        let part = std::mem::replace(&mut self.part, Part::new(self.chain));
        self.part.whole = whole;
        self.bytes = 0;
        let mut tx = self.state.db.tenant(self.ctx.organization).await?;
        let before = self.import.received_bytes;
        self.import.received_bytes = self.base + whole;
        self.import.next_line = self.splitter.number();
        self.import.chain = self.chain;
        let moved =
            store::put_away(&mut tx, self.ctx.organization, &mut self.import, before, &part, self.ctx.now()).await?;
        if !moved {
            return Err(store::elsewhere());
        }
        tx.commit().await?;
        Ok(())
    }
}

fn broken(error: &std::io::Error) -> ApiError {
    ApiError::new(ErrorCode::EncodingInvalid).with_detail(error.to_string())
}

/// The event of a line.
///
/// # Errors
/// Why it is none.
pub(super) fn read(columns: Option<&[String]>, text: &str) -> Result<super::super::domain::Told, Reject> {
    match columns {
        Some(columns) => csv::read(columns, text),
        None => super::super::incoming::read(text),
    }
}

#[cfg(test)]
mod tests {
    use finops_contract::usage_imports::ImportFormat;

    use super::Chain;

    #[test]
    fn a_line_is_known_by_itself_and_all_before_it() {
        let chain = Chain::begin(ImportFormat::Ndjson);
        let (first, other) = (chain.after("a"), chain.after("b"));
        assert_ne!(first.event_id(), other.event_id());
        assert_ne!(first.after("c").event_id(), other.after("c").event_id());
        assert_ne!(first.event_id(), first.after("a").event_id(), "a line that is there twice is two");
        assert_eq!(first, Chain::begin(ImportFormat::Ndjson).after("a"));
        assert_ne!(chain, Chain::begin(ImportFormat::Csv));
        assert_eq!(first.event_id().len(), "import-".len() + 32);
    }
}
