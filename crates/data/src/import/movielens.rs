//! MovieLens in its three shapes: `ratings.dat` (1M, 10M), `u.data` (100K), `ratings.csv`
//! (20M and later), with the catalogues beside them.
//!
//! A `ratings` file with a column `ts_is_real` holds times that are partly interpolated: its
//! clock is approximate.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::fields::{number, seconds, shown, text};
use super::records::{Cut, Fields, Records};
use super::source::{self, Lines, bare_name, each_line, find};
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
    Ok(match layout(&ratings, &first_line(files, &ratings)?)?.is_real {
        Some(_) => ClockKind::Approximate,
        None => ClockKind::Real,
    })
}

/// The first line; no line of MovieLens ratings is longer than this sees.
fn first_line(files: &Arc<dyn Files>, path: &Path) -> Result<Vec<u8>> {
    let mut head = source::head(files, path, 1 << 12)?;
    head.truncate(memchr::memchr(b'\n', &head).unwrap_or(head.len()));
    Ok(head)
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

/// Where the fields of a rating lie.
struct Layout {
    cut: Cut,
    columns: usize,
    /// 2 where fields are parted by `::`, which is read as two delimiters with nothing between.
    step: usize,
    user: usize,
    item: usize,
    rating: usize,
    time: usize,
    /// The column that says whether a time was recorded or made up.
    is_real: Option<usize>,
    header: bool,
}

fn layout(path: &Path, first: &[u8]) -> Result<Layout> {
    let plain = |delimiter, step: usize| Layout {
        cut: Cut { delimiter, quotes: false },
        columns: 3 * step + 1,
        step,
        user: 0,
        item: step,
        rating: 2 * step,
        time: 3 * step,
        is_real: None,
        header: false,
    };
    if first.is_empty() {
        return Err(Error::input(path.display(), "the file is empty, or its first line is"));
    }
    if memchr::memmem::find(first, b"::").is_some() {
        return Ok(plain(b':', 2));
    }
    if first.contains(&b'\t') {
        return Ok(plain(b'\t', 1));
    }
    let names: Vec<String> = String::from_utf8_lossy(first)
        .split(',')
        .map(|name| name.trim().trim_matches('"').to_ascii_lowercase().replace('_', ""))
        .collect();
    let find = |wanted: &[&str]| names.iter().position(|name| wanted.contains(&name.as_str()));
    let at = |wanted: &[&str]| {
        find(wanted).ok_or_else(|| {
            Error::input(
                path.display(),
                format!(
                    "the first line reads {:?}, which does not name the MovieLens columns (userId, \
                     movieId, rating, timestamp); import it as csv with a column map",
                    shown(&String::from_utf8_lossy(first))
                ),
            )
        })
    };
    Ok(Layout {
        cut: Cut { delimiter: b',', quotes: true },
        columns: names.len(),
        step: 1,
        user: at(&["userid"])?,
        item: at(&["movieid", "itemid"])?,
        rating: at(&["rating"])?,
        time: at(&["timestamp"])?,
        is_real: find(&["tsisreal"]),
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
    let layout = layout(path, &first_line(files, path)?)?;
    let mut records = Records::new(Lines::open(files, path, progress)?, layout.cut);
    if layout.header {
        records.header(path)?;
    }
    records.each(layout.columns, sink, |fields, number, sink| match rating(fields, &layout) {
        Ok(row) => sink.event(number, &row),
        Err(reason) => sink.reject(number, &reason),
    })
}

#[inline]
fn rating<'a>(fields: Fields<'a>, layout: &Layout) -> Result<Row<'a>, String> {
    if layout.step == 2
        && !(fields.at(1).is_empty() && fields.at(3).is_empty() && fields.at(5).is_empty())
    {
        return Err("fields are not parted by ::".into());
    }
    let required = |name: &str, at: usize| match text(name, fields.at(at))? {
        "" => Err(format!("{name} is empty")),
        text => Ok(text),
    };
    let value = number("rating", fields.at(layout.rating))?;
    Ok(Row {
        time_ms: seconds("timestamp", fields.at(layout.time))?,
        kind: KIND,
        user: Some(required("user", layout.user)?),
        item: Some(required("item", layout.item)?),
        value: Some(value.ok_or("rating is empty")?),
        ..Row::default()
    })
}

/// Text of the `.dat` files and of `u.item`: ISO 8859-1 in the older sets (each byte is a code
/// point), UTF-8 in the 10M set. Accented ISO 8859-1 text is hardly ever well-formed UTF-8.
fn decoded(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect::<String>().into(),
    }
}

fn read_movies(
    files: &Arc<dyn Files>,
    path: &Path,
    sink: &mut dyn RowSink,
    progress: &Progress<'_>,
) -> Result<()> {
    sink.begin_file(&source::file_name(path));
    let mut lines = Lines::open(files, path, progress)?;
    let read_movie = match bare_name(path).as_str() {
        "movies.csv" => return read_movies_csv(lines, path, sink),
        "movies.dat" => movie_dat,
        _ => movie_item,
    };
    each_line(&mut lines, sink, |line, number, sink| match read_movie(&decoded(line)) {
        Ok(item) => sink.item(number, item),
        Err(reason) => sink.reject(number, &reason),
    })
}

fn read_movies_csv(lines: Lines<'_>, path: &Path, sink: &mut dyn RowSink) -> Result<()> {
    let mut records = Records::new(lines, Cut { delimiter: b',', quotes: true });
    let names = records.header(path)?;
    if names != ["movieId", "title", "genres"] {
        let what = format!("its columns are {names:?}, expected movieId, title, genres");
        return Err(Error::input(path.display(), what));
    }
    records.each(names.len(), sink, |fields, number, sink| {
        let field = |place: usize| text(&names[place], fields.at(place));
        let item = || Ok::<_, String>(movie(field(0)?, field(1)?, &mut genres(field(2)?)));
        match item() {
            Ok(item) => sink.item(number, item),
            Err(reason) => sink.reject(number, &reason),
        }
    })
}

fn genres(joined: &str) -> impl Iterator<Item = String> {
    joined.split('|').map(str::to_owned)
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
    item.categories =
        genres.filter(|genre| !genre.is_empty() && !genre.starts_with('(')).collect();
    item
}

fn movie_dat(line: &str) -> Result<Item, String> {
    let fields: Vec<&str> = line.split("::").collect();
    match fields.as_slice() {
        [id, title, joined] => Ok(movie(id, title, &mut genres(joined))),
        other => Err(format!("{} columns, expected 3", other.len())),
    }
}

/// Genres of `u.item`, in the order of its last 19 columns.
const GENRES: [&str; 19] = [
    "",
    "Action",
    "Adventure",
    "Animation",
    "Children's",
    "Comedy",
    "Crime",
    "Documentary",
    "Drama",
    "Fantasy",
    "Film-Noir",
    "Horror",
    "Musical",
    "Mystery",
    "Romance",
    "Sci-Fi",
    "Thriller",
    "War",
    "Western",
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
    sink.begin_file(&source::file_name(path));
    let mut lines = Lines::open(files, path, progress)?;
    each_line(&mut lines, sink, |line, number, sink| {
        let line = decoded(line);
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
