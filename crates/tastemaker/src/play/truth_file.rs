//! The truth beside a log, `truth.parquet`: a row for each place of each slate, and the slate that
//! would have been best.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use arrow_array::builder::{
    Float32Builder, Float64Builder, ListBuilder, StringBuilder, UInt16Builder, UInt32Builder,
};
use arrow_array::{ArrayRef, RecordBatch};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use world::record;

use super::arm::Round;

const NAME: &str = "truth.parquet";
/// Rows that are kept before they are written.
const ROWS: usize = 100_000;

/// The file while it is written; it gets its name when it is whole.
pub(super) struct TruthFile {
    part: PathBuf,
    whole: PathBuf,
    writer: Option<ArrowWriter<BufWriter<File>>>,
    columns: Columns,
}

#[derive(Default)]
struct Columns {
    rows: usize,
    request: StringBuilder,
    place: UInt16Builder,
    item: UInt32Builder,
    examined: Float32Builder,
    click: Float32Builder,
    satisfaction: Float32Builder,
    lift: Float64Builder,
    /// The best slate, at the first place of each.
    best: ListBuilder<UInt32Builder>,
}

impl TruthFile {
    pub(super) fn begin(dir: &Path) -> Result<TruthFile> {
        let (part, whole) = (dir.join(format!(".{NAME}.part")), dir.join(NAME));
        Ok(TruthFile { part, whole, writer: None, columns: Columns::default() })
    }

    pub(super) fn take(&mut self, first: u64, round: &Round) -> Result<()> {
        let columns = &mut self.columns;
        for (number, chosen) in (first..).zip(&round.chosen) {
            let request = record::request_id(number);
            for (place, (item, truth)) in (0u16..).zip(chosen.shown.iter().zip(&chosen.places))
            {
                columns.request.append_value(&request);
                columns.place.append_value(place);
                columns.item.append_value(*item);
                columns.examined.append_value(truth.examined);
                columns.click.append_value(truth.click);
                columns.satisfaction.append_value(truth.satisfaction);
                columns.lift.append_value(truth.lift);
                if place == 0 {
                    columns.best.append_value(chosen.best.iter().map(|item| Some(*item)));
                } else {
                    columns.best.append_null();
                }
                columns.rows += 1;
            }
        }
        if columns.rows >= ROWS { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<()> {
        let batch = self.columns.finish()?;
        let place = || format!("writing {}", self.part.display());
        if self.writer.is_none() {
            let file = File::create(&self.part).with_context(place)?;
            let properties = WriterProperties::builder()
                .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
                .build();
            let file = BufWriter::new(file);
            self.writer = Some(ArrowWriter::try_new(file, batch.schema(), Some(properties))?);
        }
        if let Some(writer) = &mut self.writer {
            writer.write(&batch).with_context(place)?;
            writer.flush().with_context(place)?;
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<()> {
        self.write()?;
        let place = || format!("writing {}", self.part.display());
        if let Some(writer) = self.writer.take() {
            let file = writer.into_inner()?.into_inner().with_context(place)?;
            file.sync_all().with_context(place)?;
            std::fs::rename(&self.part, &self.whole).with_context(place)?;
        }
        Ok(())
    }
}

impl Columns {
    fn finish(&mut self) -> Result<RecordBatch> {
        self.rows = 0;
        let columns: [(&str, ArrayRef, bool); 8] = [
            ("request", Arc::new(self.request.finish()), false),
            ("place", Arc::new(self.place.finish()), false),
            ("item", Arc::new(self.item.finish()), false),
            ("examined", Arc::new(self.examined.finish()), false),
            ("click", Arc::new(self.click.finish()), false),
            ("satisfaction", Arc::new(self.satisfaction.finish()), false),
            ("lift", Arc::new(self.lift.finish()), false),
            ("best", Arc::new(self.best.finish()), true),
        ];
        Ok(RecordBatch::try_from_iter_with_nullable(columns)?)
    }
}

impl Drop for TruthFile {
    fn drop(&mut self) {
        // Of a run that failed: what is left is no use to anybody.
        let _ = std::fs::remove_file(&self.part);
    }
}
