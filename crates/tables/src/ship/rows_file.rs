//! Rows of one table as a Parquet file that others open: `id` u64, `row` the bytes of a row (little-endian
//! numbers of the table's format), and `state` those of its optimiser (f32) where it is shipped.
//! Written and read some rows at a time, lowest id first.

use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_array::{Array, ArrayRef, FixedSizeBinaryArray, RecordBatch, UInt64Array};
use arrow_schema::{DataType, Field, Schema};
use bytes::Bytes;
use data::{Files, ReadFile};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, Encoding};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::reader::{ChunkReader, Length};
use parquet::schema::types::ColumnPath;

use super::{Error, Format, Result};
use crate::Table;

/// Bytes of rows in memory at a time, about, when a file is written or read.
const GROUP_BYTES: usize = 1 << 23;

/// What a row takes in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Widths {
    pub(super) row: usize,
    /// Of optimiser state; 0: none in the file.
    pub(super) state: usize,
}

impl Widths {
    fn schema(self) -> Arc<Schema> {
        let mut fields = vec![
            Field::new("id", DataType::UInt64, false),
            Field::new("row", DataType::FixedSizeBinary(self.row as i32), false),
        ];
        if self.state > 0 {
            let kind = DataType::FixedSizeBinary(self.state as i32);
            fields.push(Field::new("state", kind, false));
        }
        Arc::new(Schema::new(fields))
    }

    fn rows_at_a_time(self) -> usize {
        (GROUP_BYTES / (8 + self.row + self.state)).clamp(64, 1 << 16)
    }
}

/// Writes all rows of a table.
pub(super) fn write(
    table: &Table,
    widths: Widths,
    out: impl Write + Send,
    place: &Path,
) -> Result<()> {
    let format = Format::of(table.config())?;
    let mut writer = Writer::begin(&table.config().name, format, widths, out, place)?;
    let mut row = vec![0.0; table.config().width];
    for ids in table.ids().chunks(widths.rows_at_a_time()) {
        let mut rows = Vec::with_capacity(ids.len() * widths.row);
        let mut states = Vec::with_capacity(ids.len() * widths.state);
        for id in ids {
            table.row(*id, &mut row);
            // One that is not finite is found, and named, where it is written.
            format.encode(&row, &mut rows);
            if widths.state > 0 {
                let state = table.state_of(*id).unwrap_or_default();
                Format::F32.encode(state, &mut states);
            }
        }
        writer.put(ids, rows, states)?;
    }
    writer.finish()
}

/// A file that is being written, lowest id first.
pub(super) struct Writer<'a, W: Write + Send> {
    inner: ArrowWriter<W>,
    schema: Arc<Schema>,
    format: Format,
    widths: Widths,
    table: &'a str,
    place: &'a Path,
}

impl<'a, W: Write + Send> Writer<'a, W> {
    pub(super) fn begin(
        table: &'a str,
        format: Format,
        widths: Widths,
        out: W,
        place: &'a Path,
    ) -> Result<Writer<'a, W>> {
        let schema = widths.schema();
        let properties = WriterProperties::builder()
            // Numbers that were learnt do not compress.
            .set_compression(Compression::UNCOMPRESSED)
            .set_statistics_enabled(EnabledStatistics::None)
            .set_dictionary_enabled(false)
            .set_encoding(Encoding::PLAIN)
            .set_column_encoding(ColumnPath::from("id"), Encoding::DELTA_BINARY_PACKED)
            .set_max_row_group_row_count(Some(widths.rows_at_a_time()))
            .build();
        let inner = ArrowWriter::try_new(out, schema.clone(), Some(properties))
            .map_err(|error| damaged(place, error))?;
        Ok(Writer { inner, schema, format, widths, table, place })
    }

    /// Adds rows, and states where the file has them.
    pub(super) fn put(&mut self, ids: &[u64], rows: Vec<u8>, states: Vec<u8>) -> Result<()> {
        for (format, bytes, what) in
            [(self.format, &rows, "row"), (Format::F32, &states, "state")]
        {
            if let Some(at) = format.first_bad(bytes) {
                let numbers = bytes.len() / ids.len() / format.row_bytes(1);
                let what = format!("the {what} of id {} is not finite", ids[at / numbers]);
                return Err(Error::contents(format!("table {}", self.table), what));
            }
        }
        let place = self.place;
        let binary = |width: usize, bytes: Vec<u8>| -> Result<ArrayRef> {
            FixedSizeBinaryArray::try_new(width as i32, bytes.into(), None)
                .map(|array| Arc::new(array) as ArrayRef)
                .map_err(|error| Error::damaged(place, error.to_string()))
        };
        let mut arrays: Vec<ArrayRef> =
            vec![Arc::new(UInt64Array::from(ids.to_vec())), binary(self.widths.row, rows)?];
        if self.widths.state > 0 {
            arrays.push(binary(self.widths.state, states)?);
        }
        let batch = RecordBatch::try_new(self.schema.clone(), arrays)
            .map_err(|error| Error::damaged(place, error.to_string()))?;
        self.inner.write(&batch).map_err(|error| damaged(place, error))
    }

    pub(super) fn finish(self) -> Result<()> {
        let place = self.place;
        self.inner.close().map_err(|error| damaged(place, error))?;
        Ok(())
    }
}

/// Some rows of a file.
pub(super) struct Part<'a> {
    pub(super) ids: &'a [u64],
    pub(super) rows: &'a [u8],
    /// Empty where the file has no state.
    pub(super) states: &'a [u8],
}

/// Hands on all rows of a file, some at a time; ids rise over the whole file, rows are finite.
pub(super) fn read(
    files: &Arc<dyn Files>,
    place: &Path,
    bytes: u64,
    format: Format,
    widths: Widths,
    mut each: impl FnMut(Part<'_>) -> Result<()>,
) -> Result<u64> {
    let wrong = |what: &str| Error::damaged(place, what);
    let file = Stored { files: files.clone(), path: place.to_path_buf(), bytes };
    let builder =
        ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| damaged(place, e))?;
    let expected = widths.schema();
    let same = |(a, b): (&Arc<Field>, &Arc<Field>)| {
        a.name() == b.name() && a.data_type() == b.data_type()
    };
    let fields = builder.schema().fields();
    // A file with state serves also who does not want it.
    if fields.len() < expected.fields().len() || !fields.iter().zip(expected.fields()).all(same)
    {
        return Err(wrong("its columns are not id, row (and state) of the table's width"));
    }
    let reader = builder
        .with_batch_size(widths.rows_at_a_time())
        .build()
        .map_err(|error| damaged(place, error))?;
    let (mut before, mut count) = (None, 0);
    for batch in reader {
        let batch = batch.map_err(|error| match error {
            arrow_schema::ArrowError::ExternalError(inner) => {
                damaged(place, ParquetError::External(inner))
            }
            other => Error::damaged(place, other.to_string()),
        })?;
        if batch.columns().iter().any(|column| column.null_count() > 0) {
            return Err(wrong("a column has gaps"));
        }
        let ids = batch.column(0).as_primitive::<UInt64Type>().values();
        let rows = batch.column(1).as_fixed_size_binary();
        let states = (widths.state > 0).then(|| batch.column(2).as_fixed_size_binary());
        if before.is_some_and(|before| ids.first().is_some_and(|first| *first <= before))
            || ids.windows(2).any(|pair| pair[0] >= pair[1])
        {
            return Err(wrong("ids do not rise"));
        }
        before = ids.last().copied().or(before);
        count += ids.len() as u64;
        let rows = &rows.value_data()[..ids.len() * widths.row];
        if format.first_bad(rows).is_some() {
            return Err(wrong("a row is not finite"));
        }
        let states = match states {
            Some(states) => &states.value_data()[..ids.len() * widths.state],
            None => &[],
        };
        each(Part { ids, rows, states })?;
    }
    Ok(count)
}

fn damaged(place: &Path, error: ParquetError) -> Error {
    match error {
        ParquetError::External(inner) => match inner.downcast::<std::io::Error>() {
            Ok(source) => data::Error::io(place)(*source).into(),
            Err(other) => Error::damaged(place, other.to_string()),
        },
        other => Error::damaged(place, other.to_string()),
    }
}

/// A file that Parquet reads parts of.
struct Stored {
    files: Arc<dyn Files>,
    path: PathBuf,
    bytes: u64,
}

impl Length for Stored {
    fn len(&self) -> u64 {
        self.bytes
    }
}

impl ChunkReader for Stored {
    type T = BufReader<Box<dyn ReadFile>>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        let mut file = self.files.open(&self.path)?;
        file.seek(SeekFrom::Start(start))?;
        Ok(BufReader::new(file))
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        if start.checked_add(length as u64).is_none_or(|end| end > self.bytes) {
            return Err(ParquetError::EOF("a part is beyond the end".into()));
        }
        let mut bytes = vec![0; length];
        self.get_read(start)?.read_exact(&mut bytes)?;
        Ok(bytes.into())
    }
}
