//! A segment: events as columns, sorted by (time, seq), in one Parquet file.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Float32Type, TimestampMillisecondType, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{
    Array, ArrayRef, Float32Array, RecordBatch, StringArray, TimestampMillisecondArray,
    UInt16Array, UInt32Array, UInt64Array,
};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, Encoding};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::schema::types::ColumnPath;

use crate::{Error, Event, Result};

/// Most events of one segment: about 25 MB, so that a reader may hold one in memory.
pub(crate) const SEGMENT_ROWS_MAX: usize = 1 << 20;
/// Stands for "no user" and "no item" in columns; dictionaries never reach it.
pub(crate) const NONE: u32 = u32::MAX;

/// Events as columns. `users` and `items` hold [`NONE`], `values` NaN where there is none;
/// `queries` and `requests` are empty where no event of the columns has one.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct EventColumns {
    pub(crate) ids: Vec<u64>,
    pub(crate) times_ms: Vec<i64>,
    pub(crate) seqs: Vec<u64>,
    pub(crate) kinds: Vec<u16>,
    pub(crate) users: Vec<u32>,
    pub(crate) items: Vec<u32>,
    pub(crate) values: Vec<f32>,
    pub(crate) received_ms: Vec<i64>,
    pub(crate) queries: Vec<Option<String>>,
    pub(crate) requests: Vec<Option<String>>,
}

impl EventColumns {
    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    /// Event number `row`.
    pub(crate) fn event(&self, row: usize) -> Event {
        let index = |index: u32| (index != NONE).then_some(index);
        Event {
            id: self.ids[row],
            time_ms: self.times_ms[row],
            received_ms: self.received_ms[row],
            seq: self.seqs[row],
            kind: self.kinds[row],
            user: index(self.users[row]),
            item: index(self.items[row]),
            value: Some(self.values[row]).filter(|value| !value.is_nan()),
            query: self.queries.get(row).cloned().flatten(),
            request: self.requests.get(row).cloned().flatten(),
        }
    }
}

fn schema() -> SchemaRef {
    let instant = || DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::UInt64, false),
        Field::new("time", instant(), false),
        Field::new("seq", DataType::UInt64, false),
        Field::new("kind", DataType::UInt16, false),
        Field::new("user", DataType::UInt32, true),
        Field::new("item", DataType::UInt32, true),
        Field::new("value", DataType::Float32, true),
        Field::new("received", instant(), false),
        Field::new("query", DataType::Utf8, true),
        Field::new("request", DataType::Utf8, true),
    ]))
}

fn properties() -> WriterProperties {
    let path = |name: &str| ColumnPath::from(name);
    let mut builder = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_2_0)
        .set_compression(Compression::SNAPPY)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_dictionary_enabled(false);
    for name in ["kind", "value", "received", "query", "request"] {
        builder = builder.set_column_dictionary_enabled(path(name), true);
    }
    for name in ["time", "seq"] {
        builder = builder.set_column_encoding(path(name), Encoding::DELTA_BINARY_PACKED);
    }
    // A hash does not compress: do not try.
    builder = builder.set_column_compression(path("id"), Compression::UNCOMPRESSED);
    builder.build()
}

/// Writes one segment, chunk by chunk.
pub(crate) struct SegmentWriter<W: Write + Send> {
    writer: ArrowWriter<W>,
    schema: SchemaRef,
}

impl<W: Write + Send> SegmentWriter<W> {
    pub(crate) fn begin(file: W, place: &Path) -> Result<Self> {
        let schema = schema();
        let writer = ArrowWriter::try_new(file, schema.clone(), Some(properties()))
            .map_err(|error| parquet_error(place, error))?;
        Ok(Self { writer, schema })
    }

    /// Appends events and leaves `columns` empty, its memory kept.
    pub(crate) fn write(&mut self, columns: &mut EventColumns, place: &Path) -> Result<()> {
        let rows = columns.len();
        let instants = |values: &mut Vec<i64>| -> ArrayRef {
            Arc::new(
                TimestampMillisecondArray::from(std::mem::take(values)).with_timezone("UTC"),
            )
        };
        let indices = |values: &mut Vec<u32>| -> ArrayRef {
            let values = std::mem::take(values);
            if values.contains(&NONE) {
                let known = values.into_iter().map(|v| (v != NONE).then_some(v));
                Arc::new(known.collect::<UInt32Array>())
            } else {
                Arc::new(UInt32Array::from(values))
            }
        };
        let texts = |values: &mut Vec<Option<String>>| -> ArrayRef {
            let values = std::mem::take(values);
            if values.is_empty() {
                Arc::new(StringArray::new_null(rows))
            } else {
                Arc::new(StringArray::from(values))
            }
        };
        let values = std::mem::take(&mut columns.values);
        let values: Float32Array = if values.iter().any(|value| value.is_nan()) {
            values.into_iter().map(|v| (!v.is_nan()).then_some(v)).collect()
        } else {
            Float32Array::from(values)
        };
        let arrays: Vec<ArrayRef> = vec![
            Arc::new(UInt64Array::from(std::mem::take(&mut columns.ids))),
            instants(&mut columns.times_ms),
            Arc::new(UInt64Array::from(std::mem::take(&mut columns.seqs))),
            Arc::new(UInt16Array::from(std::mem::take(&mut columns.kinds))),
            indices(&mut columns.users),
            indices(&mut columns.items),
            Arc::new(values),
            instants(&mut columns.received_ms),
            texts(&mut columns.queries),
            texts(&mut columns.requests),
        ];
        let batch = RecordBatch::try_new(self.schema.clone(), arrays)
            .map_err(|error| Error::damaged(place, error.to_string()))?;
        self.writer.write(&batch).map_err(|error| parquet_error(place, error))
    }

    /// Writes the footer and gives the file back.
    pub(crate) fn finish(self, place: &Path) -> Result<W> {
        self.writer.into_inner().map_err(|error| parquet_error(place, error))
    }
}

/// Reads a whole segment. The bytes were checked against their checksum; types and ranges are
/// checked here, because a sealed file may still come from a hostile hand.
pub(crate) fn read(bytes: Bytes, place: &Path) -> Result<EventColumns> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes)
        .and_then(|builder| builder.with_batch_size(1 << 16).build())
        .map_err(|error| parquet_error(place, error))?;
    let mut columns = EventColumns::default();
    for batch in reader {
        let batch = batch.map_err(|error| Error::damaged(place, error.to_string()))?;
        append(&mut columns, &batch, place)?;
    }
    Ok(columns)
}

fn append(columns: &mut EventColumns, batch: &RecordBatch, place: &Path) -> Result<()> {
    let column = |name: &str| {
        let field = schema().field_with_name(name).map(|field| field.data_type().clone()).ok();
        batch
            .column_by_name(name)
            .filter(|found| Some(found.data_type()) == field.as_ref())
            .ok_or_else(|| Error::damaged(place, format!("no column {name:?} of its type")))
    };
    let required = |name: &str| {
        column(name).and_then(|found| match found.null_count() {
            0 => Ok(found),
            _ => Err(Error::damaged(place, format!("column {name:?} has gaps"))),
        })
    };
    columns.ids.extend_from_slice(required("id")?.as_primitive::<UInt64Type>().values());
    columns.times_ms.extend_from_slice(
        required("time")?.as_primitive::<TimestampMillisecondType>().values(),
    );
    columns.seqs.extend_from_slice(required("seq")?.as_primitive::<UInt64Type>().values());
    columns.kinds.extend_from_slice(required("kind")?.as_primitive::<UInt16Type>().values());
    columns.received_ms.extend_from_slice(
        required("received")?.as_primitive::<TimestampMillisecondType>().values(),
    );
    for (name, into) in [("user", &mut columns.users), ("item", &mut columns.items)] {
        let array = column(name)?.as_primitive::<UInt32Type>();
        match array.null_count() {
            0 => into.extend_from_slice(array.values()),
            _ => into.extend(array.iter().map(|index| index.unwrap_or(NONE))),
        }
    }
    let values = column("value")?.as_primitive::<Float32Type>();
    match values.null_count() {
        0 => columns.values.extend_from_slice(values.values()),
        _ => columns.values.extend(values.iter().map(|value| value.unwrap_or(f32::NAN))),
    }
    let rows_before = columns.ids.len() - batch.num_rows();
    for (name, into) in [("query", &mut columns.queries), ("request", &mut columns.requests)] {
        let texts = column(name)?.as_string::<i32>();
        if texts.null_count() == texts.len() && into.is_empty() {
            continue;
        }
        into.resize(rows_before, None);
        into.extend(texts.iter().map(|text| text.map(str::to_owned)));
    }
    let rows = columns.ids.len();
    for texts in [&mut columns.queries, &mut columns.requests] {
        if !texts.is_empty() {
            texts.resize(rows, None);
        }
    }
    Ok(())
}

pub(crate) fn parquet_error(place: &Path, error: parquet::errors::ParquetError) -> Error {
    match error {
        parquet::errors::ParquetError::External(inner) => {
            match inner.downcast::<std::io::Error>() {
                Ok(source) => Error::Io { path: place.to_path_buf(), source: *source },
                Err(other) => Error::damaged(place, other.to_string()),
            }
        }
        other => Error::damaged(place, other.to_string()),
    }
}
