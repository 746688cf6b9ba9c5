//! Real logs that worlds are held against.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use data::{Feedback, Files, RealFiles, Sequences};
use evaluate::shape::{REUSE, Shape};

use crate::experiment::{DataSet, load};

/// Seconds without an event after which a person is somebody else's visit.
const PAUSE_MS: i64 = 3_600_000;
/// The part of Meta's statistics that is of look-ups, not of ids.
const LOOKUPS: &str = "Ratio of index distribution";

/// Every one that lies in the folder of the data, and names of those that do not.
pub(crate) fn references(dir: &Path) -> Result<(Vec<Shape>, Vec<String>)> {
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for year in ["2021", "2022"] {
        let file = format!("dlrm-trace-stats/embedding_bag_{year}_locality_stats.txt");
        take(dir, &file, &mut found, &mut missing, |path| traces(path, year))?;
    }
    let (ml_1m, ml_100k) = ("ml-1m/sequences_chronological.txt.gz", "ml-100k/u.data");
    take(dir, ml_1m, &mut found, &mut missing, |_| movielens_1m(dir, ml_1m))?;
    take(dir, ml_100k, &mut found, &mut missing, |_| movielens_100k(dir, ml_100k))?;
    take(dir, "msweb/anonymous-msweb.data.gz", &mut found, &mut missing, msweb)?;
    Ok((found, missing))
}

fn take(
    dir: &Path,
    file: &str,
    found: &mut Vec<Shape>,
    missing: &mut Vec<String>,
    read: impl Fn(&Path) -> Result<Shape>,
) -> Result<()> {
    let path = dir.join(file);
    if path.exists() {
        found.push(read(&path).with_context(|| format!("reading {}", path.display()))?);
    } else {
        missing.push(path.display().to_string());
    }
    Ok(())
}

/// `(2, 4]: 0.068` of look-ups fall on ids that are used three or four times: the first batch of
/// the file, all tables together.
fn traces(path: &Path, year: &str) -> Result<Shape> {
    let text = std::fs::read_to_string(path)?;
    let begin = text.find(LOOKUPS).context("it has no distribution of indices")?;
    let shares: Vec<f64> = text[begin..]
        .lines()
        .skip(1)
        .map_while(|line| line.rsplit_once(": ").and_then(|(_, share)| share.parse().ok()))
        .collect();
    anyhow::ensure!(shares.len() == REUSE.len() + 1, "it has {} bins", shares.len());
    let mut sum = 0.0;
    let upto = shares[..REUSE.len()].iter().map(|share| {
        sum += share;
        sum
    });
    let what = "embedding look-ups of one batch of 65,536 samples at Meta, 856 tables together: \
                histogram published with dlrm_datasets, MIT";
    let mut shape = Shape::new(format!("traces {year}"), what, false);
    shape.reuse = Some(upto.collect());
    Ok(shape)
}

fn movielens_1m(dir: &Path, file: &str) -> Result<Shape> {
    let sequences = sequences(dir, "MovieLens 1M", file, "sequences")?;
    let mut events: HashMap<u32, u64> = HashMap::new();
    for user in 0..sequences.users() as u32 {
        for item in sequences.user(user).items {
            *events.entry(*item).or_default() += 1;
        }
    }
    let what = "ratings of films with 5 or more; its times are 10 % real, so it says nothing of \
                visits";
    Ok(Shape::new("ML-1M", what, false).with_events(events.into_values()))
}

fn movielens_100k(dir: &Path, file: &str) -> Result<Shape> {
    let sequences = sequences(dir, "MovieLens 100K", file, "movielens")?;
    let mut visits = Vec::new();
    for user in 0..sequences.users() as u32 {
        let mut last_ms = None;
        for time_ms in sequences.user(user).times_ms {
            match (visits.last_mut(), last_ms) {
                (Some(open), Some(last)) if *time_ms < last + PAUSE_MS => *open += 1,
                _ => visits.push(1),
            }
            last_ms = Some(*time_ms);
        }
    }
    let what = "ratings; a visit ends with an hour without one";
    Ok(Shape::new("ML-100K", what, false).with_visits(visits))
}

fn sequences(dir: &Path, title: &str, file: &str, format: &str) -> Result<Sequences> {
    let set =
        DataSet { title: title.into(), path: file.into(), format: format.into(), map: None };
    let files: Arc<dyn Files> = Arc::new(RealFiles);
    let scratch = std::env::temp_dir().join(format!("tastemaker-{}", std::process::id()));
    Ok(load(&files, dir, &set, &Feedback::default(), &scratch)?.sequences)
}

/// `C` begins a visitor, `V,PAGE,1` is a page of it.
fn msweb(path: &Path) -> Result<Shape> {
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(BufReader::new(std::fs::File::open(path)?))
        .read_to_string(&mut text)?;
    let mut pages: HashMap<u32, u64> = HashMap::new();
    let mut visits: Vec<u64> = Vec::new();
    for (line, at) in text.as_bytes().lines().zip(1u32..) {
        let line = line?;
        let mut fields = line.split(',');
        match (fields.next(), fields.next()) {
            (Some("C"), _) => visits.push(0),
            (Some("V"), Some(page)) => {
                let page: u32 =
                    page.parse().with_context(|| format!("line {at}: page {page:?}"))?;
                *pages.entry(page).or_default() += 1;
                *visits.last_mut().with_context(|| format!("line {at}: nobody visits"))? += 1;
            }
            _ => {}
        }
    }
    let what = "anonymous web data of one week of 1998: areas of a site that each visitor saw, each once";
    let uses: Vec<u64> = pages.values().copied().collect();
    Ok(Shape::new("msweb", what, false).with_events(uses).with_visits(visits))
}
