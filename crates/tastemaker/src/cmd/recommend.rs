//! `tastemaker recommend DIR --user ID`: one slate, without a server.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use comfy_table::{Table, TableStyle};
use data::History;
use retrieve::{Merge, Query, Reason, Retriever, Unseen, Version};
use serde_json::json;

use crate::fitting::{self, Opened};
use crate::hint;
use crate::settings::SettingsArgs;
use crate::terminal::{answer, note};

/// What is on the command line.
#[derive(Debug, Args)]
pub(crate) struct RecommendArgs {
    /// Folder of the log
    dir: PathBuf,
    /// User id; an id that the log does not know gets popular items
    #[arg(long, value_name = "ID")]
    user: String,
    /// How many items
    #[arg(short, long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1000))]
    k: u16,
    /// One model instead of the merge of all
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    #[command(flatten)]
    settings: SettingsArgs,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// One line of the answer.
struct Line {
    item: u32,
    score: f32,
    reason: Reason,
    sources: Vec<String>,
}

pub(crate) fn run(args: &RecommendArgs) -> Result<()> {
    let settings = args.settings.resolve()?;
    let opened = fitting::open(&args.dir, &settings)?;
    let Opened { log, catalogue, sequences } = &opened;
    let version = Version::load_current(log.files(), &log.models_dir())?.ok_or_else(|| {
        hint::error(
            format!("{}: no model version yet", args.dir.display()),
            format!("`tastemaker train {}` makes one", args.dir.display()),
        )
    })?;
    version.check_catalogue(catalogue)?;
    let user = catalogue.users.get(&args.user);
    let history = user.map_or(History::default(), |user| sequences.user(user));
    let unseen = Unseen::new(history.items.iter().copied());
    let query = Query {
        user,
        history,
        now_ms: sequences.last_ms().unwrap_or(0),
        filter: &unseen,
        k: usize::from(args.k),
        seed: settings.seed,
    };
    let (lines, note_on_user) = match &args.model {
        Some(name) => (by_one(&version, name, &query)?, None),
        None => by_merge(version.merge(), &version, &query),
    };
    if args.json {
        let items: Vec<_> = (0u16..)
            .zip(&lines)
            .map(|(position, line)| {
                json!({"position": position, "id": catalogue.items.id(line.item),
                    "title": catalogue.item_label(line.item), "score": line.score,
                    "reason": line.reason.in_words(catalogue), "sources": line.sources})
            })
            .collect();
        let answered = json!({"user": args.user, "known": user.is_some(),
            "model_version": version.id(), "degraded": note_on_user, "items": items});
        answer(&answered.to_string());
        return Ok(());
    }
    if user.is_none() {
        note(&format!("{:?} is not in the log: popular items instead", args.user));
    } else if let Some(why) = note_on_user {
        note(&why);
    }
    let mut table = Table::new();
    table.load_style(TableStyle::new()).set_header(["#", "item", "why", "from"]);
    for (place, line) in lines.iter().enumerate() {
        table.add_row([
            (place + 1).to_string(),
            catalogue.item_label(line.item).to_owned(),
            line.reason.in_words(catalogue),
            line.sources.join(", "),
        ]);
    }
    answer(&table.to_string());
    Ok(())
}

fn by_one(version: &Version, name: &str, query: &Query<'_>) -> Result<Vec<Line>> {
    let model = version.retriever(name).ok_or_else(|| {
        let known: Vec<&str> = version.models().iter().map(|model| model.name()).collect();
        hint::error(
            format!("version {} has no model {name:?}", version.id()),
            format!("it has {}", known.join(", ")),
        )
    })?;
    let line = |found: &retrieve::Candidate| Line {
        item: found.item,
        score: found.score,
        reason: model.reason(query, found.item),
        sources: vec![name.to_owned()],
    };
    Ok(model.retrieve(query).iter().map(line).collect())
}

fn by_merge(
    merge: &Merge,
    version: &Version,
    query: &Query<'_>,
) -> (Vec<Line>, Option<String>) {
    let merged = merge.recommend(version.models(), query);
    let lines = merged
        .items
        .iter()
        .map(|item| Line {
            item: item.item,
            score: item.score,
            reason: item.reason,
            sources: item.sources.iter().map(|source| source.name.to_string()).collect(),
        })
        .collect();
    (lines, merged.fallback.map(|fallback| fallback.to_string()))
}
