//! The small tables beside the segments, each one Parquet file of an import: new ids, item and
//! user catalogue rows, slates.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, Float32Builder, Int64Builder, ListBuilder, MapBuilder, StringBuilder,
    UInt16Builder, UInt32Builder, UInt64Builder,
};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Int64Type, UInt16Type, UInt32Type, UInt64Type};
use arrow_array::{Array, ArrayRef, RecordBatch};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::segment::parquet_error;
use crate::{Error, Item, Result, Shown, Slate, User};

/// New ids of a dictionary, in index order.
pub(crate) fn ids_to_bytes<'a>(
    ids: impl Iterator<Item = &'a str>,
    place: &Path,
) -> Result<Vec<u8>> {
    let mut id = StringBuilder::new();
    ids.for_each(|text| id.append_value(text));
    to_bytes(vec![("id", Arc::new(id.finish()))], place)
}

/// Reads [`ids_to_bytes`], giving each id to `take` in order.
pub(crate) fn ids_from_bytes(
    bytes: Bytes,
    place: &Path,
    mut take: impl FnMut(&str) -> Result<()>,
) -> Result<()> {
    for batch in batches(bytes, place)? {
        let batch = batch?;
        let ids = strings(&batch, "id", place)?;
        for row in 0..batch.num_rows() {
            take(ids.value(row))?;
        }
    }
    Ok(())
}

/// Item catalogue rows.
pub(crate) fn items_to_bytes(items: &[Item], place: &Path) -> Result<Vec<u8>> {
    let mut id = StringBuilder::new();
    let mut title = StringBuilder::new();
    let mut text = StringBuilder::new();
    let mut categories = ListBuilder::new(StringBuilder::new());
    let mut creator = StringBuilder::new();
    let mut created = Int64Builder::new();
    let mut available = BooleanBuilder::new();
    let mut attributes = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    for item in items {
        id.append_value(&item.id);
        title.append_option(item.title.as_deref());
        text.append_option(item.text.as_deref());
        categories.append_value(item.categories.iter().map(Some));
        creator.append_option(item.creator.as_deref());
        created.append_option(item.created_ms);
        available.append_value(item.available);
        append_map(&mut attributes, &item.attributes, place)?;
    }
    to_bytes(
        vec![
            ("id", Arc::new(id.finish())),
            ("title", Arc::new(title.finish())),
            ("text", Arc::new(text.finish())),
            ("categories", Arc::new(categories.finish())),
            ("creator", Arc::new(creator.finish())),
            ("created_ms", Arc::new(created.finish())),
            ("available", Arc::new(available.finish())),
            ("attributes", Arc::new(attributes.finish())),
        ],
        place,
    )
}

/// Reads [`items_to_bytes`].
pub(crate) fn items_from_bytes(bytes: Bytes, place: &Path) -> Result<Vec<Item>> {
    let mut items = Vec::new();
    for batch in batches(bytes, place)? {
        let batch = batch?;
        let id = strings(&batch, "id", place)?;
        let title = strings(&batch, "title", place)?;
        let text = strings(&batch, "text", place)?;
        let creator = strings(&batch, "creator", place)?;
        let categories = column(&batch, "categories", place)?
            .as_list_opt::<i32>()
            .ok_or_else(|| wrong_type("categories", place))?;
        let created = column(&batch, "created_ms", place)?
            .as_primitive_opt::<Int64Type>()
            .ok_or_else(|| wrong_type("created_ms", place))?;
        let available = column(&batch, "available", place)?
            .as_boolean_opt()
            .ok_or_else(|| wrong_type("available", place))?;
        let optional = |array: &arrow_array::StringArray, row: usize| {
            array.is_valid(row).then(|| array.value(row).to_owned())
        };
        for row in 0..batch.num_rows() {
            let names = categories.value(row);
            let names =
                names.as_string_opt::<i32>().ok_or_else(|| wrong_type("categories", place))?;
            items.push(Item {
                id: id.value(row).to_owned(),
                title: optional(title, row),
                text: optional(text, row),
                categories: names.iter().flatten().map(str::to_owned).collect(),
                creator: optional(creator, row),
                created_ms: created.is_valid(row).then(|| created.value(row)),
                available: available.value(row),
                attributes: read_map(&batch, row, place)?,
            });
        }
    }
    Ok(items)
}

/// User catalogue rows.
pub(crate) fn users_to_bytes(users: &[User], place: &Path) -> Result<Vec<u8>> {
    let mut id = StringBuilder::new();
    let mut attributes = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    for user in users {
        id.append_value(&user.id);
        append_map(&mut attributes, &user.attributes, place)?;
    }
    to_bytes(
        vec![("id", Arc::new(id.finish())), ("attributes", Arc::new(attributes.finish()))],
        place,
    )
}

/// Reads [`users_to_bytes`].
pub(crate) fn users_from_bytes(bytes: Bytes, place: &Path) -> Result<Vec<User>> {
    let mut users = Vec::new();
    for batch in batches(bytes, place)? {
        let batch = batch?;
        let id = strings(&batch, "id", place)?;
        for row in 0..batch.num_rows() {
            let attributes = read_map(&batch, row, place)?;
            users.push(User { id: id.value(row).to_owned(), attributes });
        }
    }
    Ok(users)
}

/// Slates, in order of time.
pub(crate) fn slates_to_bytes(slates: &[Slate], place: &Path) -> Result<Vec<u8>> {
    let mut texts: [StringBuilder; 5] = Default::default();
    let mut time = Int64Builder::new();
    let mut seed = UInt64Builder::new();
    let mut candidates = ListBuilder::new(UInt32Builder::new());
    let mut item = ListBuilder::new(UInt32Builder::new());
    let mut position = ListBuilder::new(UInt16Builder::new());
    let mut propensity = ListBuilder::new(Float32Builder::new());
    for slate in slates {
        texts[0].append_value(&slate.request);
        texts[1].append_option(slate.user.as_deref());
        texts[2].append_value(&slate.surface);
        texts[3].append_value(&slate.context);
        texts[4].append_value(&slate.model_version);
        time.append_value(slate.time_ms);
        seed.append_value(slate.seed);
        candidates.append_value(slate.candidates.iter().copied().map(Some));
        item.append_value(slate.shown.iter().map(|shown| Some(shown.item)));
        position.append_value(slate.shown.iter().map(|shown| Some(shown.position)));
        propensity.append_value(slate.shown.iter().map(|shown| Some(shown.propensity)));
    }
    let [mut request, mut user, mut surface, mut context, mut model_version] = texts;
    to_bytes(
        vec![
            ("request", Arc::new(request.finish())),
            ("time_ms", Arc::new(time.finish())),
            ("user", Arc::new(user.finish())),
            ("surface", Arc::new(surface.finish())),
            ("context", Arc::new(context.finish())),
            ("model_version", Arc::new(model_version.finish())),
            ("seed", Arc::new(seed.finish())),
            ("candidates", Arc::new(candidates.finish())),
            ("shown_item", Arc::new(item.finish())),
            ("shown_position", Arc::new(position.finish())),
            ("shown_propensity", Arc::new(propensity.finish())),
        ],
        place,
    )
}

/// Reads [`slates_to_bytes`].
pub(crate) fn slates_from_bytes(bytes: Bytes, place: &Path) -> Result<Vec<Slate>> {
    let mut slates = Vec::new();
    for batch in batches(bytes, place)? {
        let batch = batch?;
        let text = |name: &str| strings(&batch, name, place);
        let (request, user) = (text("request")?, text("user")?);
        let (surface, context) = (text("surface")?, text("context")?);
        let model_version = text("model_version")?;
        let time = column(&batch, "time_ms", place)?
            .as_primitive_opt::<Int64Type>()
            .ok_or_else(|| wrong_type("time_ms", place))?;
        let seed = column(&batch, "seed", place)?
            .as_primitive_opt::<UInt64Type>()
            .ok_or_else(|| wrong_type("seed", place))?;
        for row in 0..batch.num_rows() {
            let items = list(&batch, "shown_item", row, place)?;
            let items = primitive::<UInt32Type>(&items, "shown_item", place)?;
            let positions = list(&batch, "shown_position", row, place)?;
            let positions = primitive::<UInt16Type>(&positions, "shown_position", place)?;
            let propensities = list(&batch, "shown_propensity", row, place)?;
            let propensities =
                primitive::<Float32Type>(&propensities, "shown_propensity", place)?;
            let candidates = list(&batch, "candidates", row, place)?;
            let candidates = primitive::<UInt32Type>(&candidates, "candidates", place)?;
            if items.len() != positions.len() || items.len() != propensities.len() {
                return Err(Error::damaged(place, "columns of shown items differ in length"));
            }
            let shown = items.iter().zip(&positions).zip(&propensities);
            slates.push(Slate {
                request: request.value(row).to_owned(),
                time_ms: time.value(row),
                user: user.is_valid(row).then(|| user.value(row).to_owned()),
                surface: surface.value(row).to_owned(),
                context: context.value(row).to_owned(),
                model_version: model_version.value(row).to_owned(),
                seed: seed.value(row),
                candidates,
                shown: shown
                    .map(|((&item, &position), &propensity)| Shown {
                        item,
                        position,
                        propensity,
                    })
                    .collect(),
            });
        }
    }
    Ok(slates)
}

fn to_bytes(columns: Vec<(&str, ArrayRef)>, place: &Path) -> Result<Vec<u8>> {
    let nullable = columns.into_iter().map(|(name, array)| (name, array, true));
    let batch = RecordBatch::try_from_iter_with_nullable(nullable)
        .map_err(|error| Error::damaged(place, error.to_string()))?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties))
        .map_err(|error| parquet_error(place, error))?;
    writer.write(&batch).map_err(|error| parquet_error(place, error))?;
    writer.into_inner().map_err(|error| parquet_error(place, error))
}

fn batches(bytes: Bytes, place: &Path) -> Result<impl Iterator<Item = Result<RecordBatch>>> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes)
        .and_then(|builder| builder.with_batch_size(1 << 13).build())
        .map_err(|error| parquet_error(place, error))?;
    Ok(reader.map(move |batch| batch.map_err(|error| Error::damaged(place, error.to_string()))))
}

fn column<'a>(batch: &'a RecordBatch, name: &str, place: &Path) -> Result<&'a ArrayRef> {
    batch
        .column_by_name(name)
        .ok_or_else(|| Error::damaged(place, format!("no column {name:?}")))
}

fn strings<'a>(
    batch: &'a RecordBatch,
    name: &str,
    place: &Path,
) -> Result<&'a arrow_array::StringArray> {
    column(batch, name, place)?.as_string_opt::<i32>().ok_or_else(|| wrong_type(name, place))
}

fn list(batch: &RecordBatch, name: &str, row: usize, place: &Path) -> Result<ArrayRef> {
    let lists = column(batch, name, place)?
        .as_list_opt::<i32>()
        .ok_or_else(|| wrong_type(name, place))?;
    Ok(lists.value(row))
}

fn primitive<T: arrow_array::ArrowPrimitiveType>(
    array: &ArrayRef,
    name: &str,
    place: &Path,
) -> Result<Vec<T::Native>> {
    let array = array.as_primitive_opt::<T>().ok_or_else(|| wrong_type(name, place))?;
    Ok(array.values().to_vec())
}

fn append_map(
    builder: &mut MapBuilder<StringBuilder, StringBuilder>,
    map: &BTreeMap<String, String>,
    place: &Path,
) -> Result<()> {
    for (name, value) in map {
        builder.keys().append_value(name);
        builder.values().append_value(value);
    }
    builder.append(true).map_err(|error| Error::damaged(place, error.to_string()))
}

fn read_map(batch: &RecordBatch, row: usize, place: &Path) -> Result<BTreeMap<String, String>> {
    let wrong = || wrong_type("attributes", place);
    let map = column(batch, "attributes", place)?.as_map_opt().ok_or_else(wrong)?;
    let entries = map.value(row);
    let names = entries.column(0).as_string_opt::<i32>().ok_or_else(wrong)?;
    let values = entries.column(1).as_string_opt::<i32>().ok_or_else(wrong)?;
    let pairs = names.iter().zip(values.iter());
    Ok(pairs.filter_map(|(name, value)| Some((name?.to_owned(), value?.to_owned()))).collect())
}

fn wrong_type(name: &str, place: &Path) -> Error {
    Error::damaged(place, format!("column {name:?} has another type"))
}
