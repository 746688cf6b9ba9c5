//! Parquet with a column map: row group after row group, only the columns that the map wants.

use std::borrow::Cow;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::parquet::arrow::ProjectionMask;
use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use ::parquet::errors::ParquetError;
use ::parquet::file::reader::{ChunkReader, Length};
use arrow_array::cast::AsArray;
use arrow_array::types as arrow;
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, TimeUnit};
use bytes::Bytes;

use super::source;
use super::table::{Cell, Table};
use super::{ColumnMap, RowSink};
use crate::{Error, Files, Progress, ReadFile, Result};

const BATCH_ROWS: usize = 1 << 14;

/// Reads the table. Rows are numbered from 1.
pub(super) fn read(
    files: &Arc<dyn Files>,
    path: &Path,
    map: Option<&ColumnMap>,
    sink: &mut dyn RowSink,
    progress: &Progress<'_>,
) -> Result<()> {
    sink.begin_file(&source::file_name(path));
    let chunks =
        Chunks { files: files.clone(), path: path.into(), bytes: source::size(files, path)? };
    let bad = |error: ParquetError| Error::input(path.display(), error.to_string());
    let builder = ParquetRecordBatchReaderBuilder::try_new(chunks).map_err(bad)?;
    let columns: Vec<String> =
        builder.schema().fields().iter().map(|field| field.name().clone()).collect();
    let map = match map {
        Some(map) => map.clone(),
        None => ColumnMap::guess(&columns, &path.display().to_string())?,
    };
    let table = Table::new(&map);
    let places = table.places(&columns, &path.display().to_string())?;
    let total = u64::try_from(builder.metadata().file_metadata().num_rows()).ok();
    let mask = ProjectionMask::roots(builder.parquet_schema(), places.iter().copied());
    let reader =
        builder.with_projection(mask).with_batch_size(BATCH_ROWS).build().map_err(bad)?;
    let mut number = 0u64;
    for batch in reader {
        progress.step("reading rows", number, total)?;
        let batch = batch.map_err(|error| Error::input(path.display(), error.to_string()))?;
        let arrays: Vec<&ArrayRef> = table
            .wanted()
            .iter()
            .map(|name| {
                batch.column_by_name(name).ok_or_else(|| {
                    Error::input(path.display(), format!("column {name:?} vanished"))
                })
            })
            .collect::<Result<_>>()?;
        let mut cells: Vec<Cell<'_>> = Vec::with_capacity(arrays.len());
        for row in 0..batch.num_rows() {
            number += 1;
            cells.clear();
            cells.extend(arrays.iter().map(|array| cell(array, row)));
            table.emit(number, &cells, sink)?;
        }
    }
    Ok(())
}

fn cell(array: &dyn Array, row: usize) -> Cell<'_> {
    if array.is_null(row) {
        return Cell::Missing;
    }
    macro_rules! dictionary {
        ($kind:ty) => {{
            let dictionary = array.as_dictionary::<$kind>();
            match dictionary.key(row) {
                Some(key) => cell(dictionary.values(), key),
                None => Cell::Missing,
            }
        }};
    }
    macro_rules! number {
        ($kind:ty, $cell:ident) => {
            Cell::$cell(array.as_primitive::<$kind>().value(row).into())
        };
    }
    macro_rules! time {
        ($kind:ty, $ms:expr) => {
            Cell::TimeMs($ms(array.as_primitive::<$kind>().value(row)))
        };
    }
    match array.data_type() {
        DataType::Utf8 => Cell::Text(Cow::Borrowed(array.as_string::<i32>().value(row))),
        DataType::LargeUtf8 => Cell::Text(Cow::Borrowed(array.as_string::<i64>().value(row))),
        DataType::Utf8View => Cell::Text(Cow::Borrowed(array.as_string_view().value(row))),
        DataType::Int8 => number!(arrow::Int8Type, Integer),
        DataType::Int16 => number!(arrow::Int16Type, Integer),
        DataType::Int32 => number!(arrow::Int32Type, Integer),
        DataType::Int64 => number!(arrow::Int64Type, Integer),
        DataType::UInt8 => number!(arrow::UInt8Type, Natural),
        DataType::UInt16 => number!(arrow::UInt16Type, Natural),
        DataType::UInt32 => number!(arrow::UInt32Type, Natural),
        DataType::UInt64 => number!(arrow::UInt64Type, Natural),
        DataType::Float32 => number!(arrow::Float32Type, Float),
        DataType::Float64 => number!(arrow::Float64Type, Float),
        DataType::Boolean => Cell::Bool(array.as_boolean().value(row)),
        DataType::Timestamp(TimeUnit::Second, _) => {
            time!(arrow::TimestampSecondType, |s: i64| s.saturating_mul(1000))
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            time!(arrow::TimestampMillisecondType, |ms: i64| ms)
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            time!(arrow::TimestampMicrosecondType, |us: i64| us.div_euclid(1000))
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            time!(arrow::TimestampNanosecondType, |ns: i64| ns.div_euclid(1_000_000))
        }
        DataType::Date32 => {
            time!(arrow::Date32Type, |days: i32| i64::from(days) * 86_400_000)
        }
        DataType::Date64 => time!(arrow::Date64Type, |ms: i64| ms),
        // What writers without the text annotation leave; ids of bytes that are no text are not
        // read.
        DataType::Binary => bytes_cell(array.as_binary::<i32>().value(row)),
        DataType::LargeBinary => bytes_cell(array.as_binary::<i64>().value(row)),
        DataType::BinaryView => bytes_cell(array.as_binary_view().value(row)),
        DataType::Decimal128(_, scale) => {
            let unscaled = array.as_primitive::<arrow::Decimal128Type>().value(row);
            match i64::try_from(unscaled) {
                Ok(whole) if *scale == 0 => Cell::Integer(whole),
                _ => Cell::Float(unscaled as f64 / 10f64.powi(i32::from(*scale))),
            }
        }
        DataType::List(_) => list_cell(array.as_list::<i32>().value(row).as_ref()),
        DataType::LargeList(_) => list_cell(array.as_list::<i64>().value(row).as_ref()),
        // How data frames write columns of few different texts.
        DataType::Dictionary(key, _) => match key.as_ref() {
            DataType::Int8 => dictionary!(arrow::Int8Type),
            DataType::Int16 => dictionary!(arrow::Int16Type),
            DataType::Int32 => dictionary!(arrow::Int32Type),
            DataType::Int64 => dictionary!(arrow::Int64Type),
            DataType::UInt8 => dictionary!(arrow::UInt8Type),
            DataType::UInt16 => dictionary!(arrow::UInt16Type),
            DataType::UInt32 => dictionary!(arrow::UInt32Type),
            DataType::UInt64 => dictionary!(arrow::UInt64Type),
            _ => Cell::Other("a dictionary of a kind that is not read"),
        },
        _ => Cell::Other("of a type that is not read"),
    }
}

fn bytes_cell(bytes: &[u8]) -> Cell<'_> {
    std::str::from_utf8(bytes).map_or(Cell::Other("not UTF-8"), |text| Cell::Text(text.into()))
}

fn list_cell(values: &dyn Array) -> Cell<'static> {
    let mut names = Vec::with_capacity(values.len());
    for row in 0..values.len() {
        match cell(values, row) {
            Cell::Missing => {}
            Cell::Text(text) => names.push(text.into_owned()),
            Cell::Integer(number) => names.push(number.to_string()),
            Cell::Natural(number) => names.push(number.to_string()),
            _ => return Cell::Other("a list of values"),
        }
    }
    Cell::List(names)
}

/// A file that is read in pieces, so that memory holds one row group and not the file.
struct Chunks {
    files: Arc<dyn Files>,
    path: PathBuf,
    bytes: u64,
}

impl Chunks {
    fn at(&self, start: u64) -> std::io::Result<Box<dyn ReadFile>> {
        let mut file = self.files.open(&self.path)?;
        file.seek(SeekFrom::Start(start))?;
        Ok(file)
    }
}

impl Length for Chunks {
    fn len(&self) -> u64 {
        self.bytes
    }
}

impl ChunkReader for Chunks {
    type T = Box<dyn Read>;

    fn get_read(&self, start: u64) -> Result<Box<dyn Read>, ParquetError> {
        Ok(Box::new(std::io::BufReader::new(self.at(start)?)))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        // A hostile footer may name more than there is: ask the file first, then allocate.
        if start.checked_add(length as u64).is_none_or(|end| end > self.bytes) {
            return Err(ParquetError::EOF(format!(
                "{length} bytes at {start} lie outside the file of {} bytes",
                self.bytes
            )));
        }
        let mut bytes = vec![0; length];
        self.at(start)?.read_exact(&mut bytes)?;
        Ok(bytes.into())
    }
}
