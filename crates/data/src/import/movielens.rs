//! MovieLens in its three shapes: `ratings.dat` (1M, 10M), `u.data` (100K), `ratings.csv`
//! (20M and later), with the catalogues beside them.
//!
//! A `ratings` file with a column `ts_is_real` holds times that are partly interpolated: its
//! clock is approximate.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::fields::{cut, number, seconds, text};
use super::source::{self, Line, Lines, bare_name, find};
use super::{ColumnMap, Row, RowSink};
use crate::{ClockKind, Error, Files, Item, Progress, Result, User};

const RATINGS: [&str; 3] = ["ratings.csv", "ratings.dat", "u.data"];
const MOVIES: [&str; 3] = ["movies.csv", "movies.dat", "u.item"];
const USERS: [&str; 2] = ["users.dat", "u.user"];
const KIND: &str = "rating";

/// Files of one data set.
struct Found {
    ratings: PathBuf,
    movies: Option<PathBuf>,
    users: Option<PathBuf>,
}

fn found(files: &Arc<dyn Files>, path: &Path) -> Result<Found> {
    let (folder, ratings) = if source::is_folder(files, path) {
        let ratings = find(files, path, &RATINGS)?.or(find_like(files, path)?);
        let ratings = ratings.ok_or_else(|| {
            Error::input(
                path.display(),
                "no MovieLens ratings in this folder: looked for ratings.csv, ratings.dat, u.data \
                 (also .gz and .zst)",
            )
        })?;
        (path.to_path_buf(), ratings)
    } else {
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        (folder.unwrap_or(Path::new(".")).to_path_buf(), path.to_path_buf())
    };
    Ok(Found {
        ratings,
        movies: find(files, &folder, &MOVIES)?,
        users: find(files, &folder, &USERS)?,
    })
}

/// Another file whose name begins with `ratings` and ends with `.csv`.
fn find_like(files: &Arc<dyn Files>, dir: &Path) -> Result<Option<PathBuf>> {
    let entries = files.list(dir).map_err(Error::io(dir))?;
    Ok(entries.into_iter().find(|path| {
        let name = bare_name(path);
        name.starts_with("ratings") && name.ends_with(".csv")
    }))
}

/// Every file that [`read`] reads.
pub(super) fn sources(files: &Arc<dyn Files>, path: &Path) -> Result<Vec<PathBuf>> {
    let Found { ratings, movies, users } = found(files, path)?;
    Ok([Some(ratings), movies, users].into_iter().flatten().collect())
}

/// The clock of the ratings, from their header.
pub(super) fn clock(
    files: &Arc<dyn Files>,
    path: &Path,
    _map: Option<&ColumnMap>,
) -> Result<ClockKind> {
    let ratings = found(files, path)?.ratings;
    let mut lines = Lines::open(files, &ratings)?;
    Ok(match lines.next()? {
        Some(Line::Bytes(header)) if contains(header, b"ts_is_real") => ClockKind::Approximate,
        _ => ClockKind::Real,
    })
}

fn contains(line: &[u8], word: &[u8]) -> bool {
    line.windows(word.len()).any(|window| window == word)
}

/// Reads ratings, then movies and users.
pub(super) fn read(
    files: &Arc<dyn Files>,
    path: &Path,
    _map: Option<&ColumnMap>,
    sink: &mut dyn RowSink,
    progress: &Progress<'_>,
) -> Result<()> {
    let Found { ratings, movies, users } = found(files, path)?;
    read_ratings(files, &ratings, sink, progress)?;
    if let Some(movies) = movies {
        read_movies(files, &movies, sink, progress)?;
    }
    if let Some(users) = users {
        read_users(files, &users, sink, progress)?;
    }
    Ok(())
}

/// Where the four fields of a rating lie.
struct Layout {
    delimiter: u8,
    /// `::` leaves an empty field between two others.
    columns: usize,
    user: usize,
    item: usize,
    rating: usize,
    time: usize,
    header: bool,
}

fn layout(path: &Path, first: &[u8]) -> Result<Layout> {
    let plain = |delimiter, step: usize| Layout {
        delimiter,
        columns: 3 * step + 1,
        user: 0,
        item: step,
        rating: 2 * step,
        time: 3 * step,
        header: false,
    };
    if contains(first, b"::") {
        return Ok(plain(b':', 2));
    }
    if first.contains(&b'\t') {
        return Ok(plain(b'\t', 1));
    }
    let names: Vec<String> = String::from_utf8_lossy(first)
        .split(',')
        .map(|name| name.trim().to_ascii_lowercase().replace('_', ""))
        .collect();
    let at = |wanted: &[&str]| {
        names.iter().position(|name| wanted.contains(&name.as_str())).ok_or_else(|| {
            Error::input(
                path.display(),
                format!(
                    "the first line names {names:?}, which are not MovieLens columns (userId, \
                     movieId, rating, timestamp); import it as csv with a column map"
                ),
            )
        })
    };
    Ok(Layout {
        delimiter: b',',
        columns: names.len(),
        user: at(&["userid"])?,
        item: at(&["movieid", "itemid"])?,
        rating: at(&["rating"])?,
        time: at(&["timestamp"])?,
        header: true,
    })
}

fn read_ratings(
    files: &Arc<dyn Files>,
    path: &Path,
    sink: &mut dyn RowSink,
    progress: &Progress<'_>,
) -> Result<()> {
    sink.begin_file(&source::file_name(path));
    let mut lines = Lines::open(files, path)?;
    let mut layout_of_file: Option<Layout> = None;
    loop {
        lines.step(progress)?;
        let number_of_line = lines.number() + 1;
        let line = match lines.next()? {
            None => break,
            Some(Line::TooLong) => {
                sink.reject(number_of_line, "the line is over 1 MiB long")?;
                continue;
            }
            Some(Line::Bytes([])) => continue,
            Some(Line::Bytes(line)) => line,
        };
        let layout = match &layout_of_file {
            Some(layout) => layout,
            None => {
                let found = layout_of_file.insert(layout(path, line)?);
                if found.header {
                    continue;
                }
                found
            }
        };
        match rating(line, layout) {
            Ok(row) => sink.event(number_of_line, &row)?,
            Err(reason) => sink.reject(number_of_line, &reason)?,
        }
    }
    if layout_of_file.is_none() {
        return Err(Error::input(path.display(), "the file is empty"));
    }
    Ok(())
}

#[inline]
fn rating<'a>(line: &'a [u8], layout: &Layout) -> Result<Row<'a>, String> {
    // Seven fields at most (`::` counts double); no allocation per row.
    let mut fields: [&[u8]; 16] = [&[]; 16];
    let mut count = 0;
    let mut from = 0;
    for end in memchr::memchr_iter(layout.delimiter, line).chain([line.len()]) {
        if count < fields.len() {
            fields[count] = &line[from..end];
        }
        count += 1;
        from = end + 1;
    }
    if count != layout.columns || count > fields.len() {
        return Err(format!("{count} columns, expected {}", layout.columns));
    }
    let required = |name: &str, at: usize| match text(name, fields[at])? {
        "" => Err(format!("{name} is empty")),
        text => Ok(text),
    };
    let value = number("rating", fields[layout.rating])?;
    Ok(Row {
        time_ms: seconds("timestamp", fields[layout.time])?,
        kind: KIND,
        user: Some(required("user", layout.user)?),
        item: Some(required("item", layout.item)?),
        value: Some(value.ok_or("rating is empty")?),
        ..Row::default()
    })
}

/// ISO 8859-1, which the `.dat` files and `u.item` are written in: each byte is a code point.
fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

fn read_movies(
    files: &Arc<dyn Files>,
    path: &Path,
    sink: &mut dyn RowSink,
    progress: &Progress<'_>,
) -> Result<()> {
    let name = bare_name(path);
    let mut read_item: Box<dyn FnMut(&[u8]) -> Result<Option<Item>, String>> =
        match name.as_str() {
            "movies.csv" => Box::new(movie_csv),
            "movies.dat" => Box::new(|line| movie_dat(&latin1(line)).map(Some)),
            _ => Box::new(|line| movie_item(&latin1(line)).map(Some)),
        };
    each_line(files, path, sink, progress, |line, number, sink| match read_item(line) {
        Ok(Some(item)) => sink.item(number, item),
        Ok(None) => Ok(()),
        Err(reason) => sink.reject(number, &reason),
    })
}

fn each_line(
    files: &Arc<dyn Files>,
    path: &Path,
    sink: &mut dyn RowSink,
    progress: &Progress<'_>,
    mut take: impl FnMut(&[u8], u64, &mut dyn RowSink) -> Result<()>,
) -> Result<()> {
    sink.begin_file(&source::file_name(path));
    let mut lines = Lines::open(files, path)?;
    loop {
        lines.step(progress)?;
        let number = lines.number() + 1;
        match lines.next()? {
            None => return Ok(()),
            Some(Line::TooLong) => sink.reject(number, "the line is over 1 MiB long")?,
            Some(Line::Bytes([])) => {}
            Some(Line::Bytes(line)) => take(line, number, sink)?,
        }
    }
}

/// `Toy Story (1995)`: the title stays as people know it, the year becomes an attribute too.
fn movie(id: &str, title: &str, genres: &mut dyn Iterator<Item = String>) -> Item {
    let mut item = Item::bare(id.trim());
    let title = title.trim();
    item.title = (!title.is_empty()).then(|| title.to_owned());
    let year = title
        .strip_suffix(')')
        .and_then(|rest| rest.rsplit_once('('))
        .map(|(_, year)| year)
        .filter(|year| year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit()));
    if let Some(year) = year {
        item.attributes.insert("year".into(), year.to_owned());
    }
    item.categories = genres.filter(|genre| !genre.is_empty() && !genre.starts_with('(')).collect();
    item
}

fn movie_csv(line: &[u8]) -> Result<Option<Item>, String> {
    let mut plain = Vec::new();
    let fields: Vec<String> = match cut(line, b',', &mut plain) {
        Some(()) => plain.iter().map(|field| text("movie", field).map(str::to_owned)).collect(),
        None => {
            let mut reader =
                ::csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(line);
            let mut record = ::csv::StringRecord::new();
            let read = reader.read_record(&mut record);
            read.map(|_| record.iter().map(str::to_owned).collect())
                .map_err(|error| error.to_string())
        }
    }?;
    match fields.as_slice() {
        [id, ..] if id == "movieId" => Ok(None),
        [id, title, genres] => Ok(Some(movie(id, title, &mut genres.split('|').map(str::to_owned)))),
        other => Err(format!("{} columns, expected 3", other.len())),
    }
}

fn movie_dat(line: &str) -> Result<Item, String> {
    let fields: Vec<&str> = line.split("::").collect();
    match fields.as_slice() {
        [id, title, genres] => Ok(movie(id, title, &mut genres.split('|').map(str::to_owned))),
        other => Err(format!("{} columns, expected 3", other.len())),
    }
}

/// Genres of `u.item`, in the order of its last 19 columns.
const GENRES: [&str; 19] = [
    "", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary",
    "Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi",
    "Thriller", "War", "Western",
];

fn movie_item(line: &str) -> Result<Item, String> {
    let fields: Vec<&str> = line.split('|').collect();
    if fields.len() != 5 + GENRES.len() {
        return Err(format!("{} columns, expected {}", fields.len(), 5 + GENRES.len()));
    }
    let flagged = fields[5..].iter().zip(GENRES).filter(|(flag, _)| **flag == "1");
    Ok(movie(fields[0], fields[1], &mut flagged.map(|(_, genre)| genre.to_owned())))
}

fn read_users(
    files: &Arc<dyn Files>,
    path: &Path,
    sink: &mut dyn RowSink,
    progress: &Progress<'_>,
) -> Result<()> {
    let (delimiter, names): (&str, [&str; 4]) = match bare_name(path).as_str() {
        "users.dat" => ("::", ["gender", "age", "occupation", "zip"]),
        _ => ("|", ["age", "gender", "occupation", "zip"]),
    };
    each_line(files, path, sink, progress, |line, number, sink| {
        let line = latin1(line);
        let fields: Vec<&str> = line.split(delimiter).collect();
        match fields.as_slice() {
            [id, facts @ ..] if facts.len() == names.len() => {
                let facts = names.iter().zip(facts);
                let attributes: BTreeMap<String, String> =
                    facts.map(|(name, fact)| ((*name).into(), (*fact).into())).collect();
                sink.user(number, User { id: (*id).to_owned(), attributes })
            }
            other => sink.reject(number, &format!("{} columns, expected 5", other.len())),
        }
    })
}
