//! The recipes that the binary brings along.

use anyhow::Result;

use super::Recipe;
use crate::hint;

const TEXTS: [(&str, &str); 4] = [
    ("papers/sasrec/recipe.toml", include_str!("../../../../papers/sasrec/recipe.toml")),
    ("papers/logq/recipe.toml", include_str!("../../../../papers/logq/recipe.toml")),
    ("papers/hstu/recipe.toml", include_str!("../../../../papers/hstu/recipe.toml")),
    (
        "papers/sliding-window/recipe.toml",
        include_str!("../../../../papers/sliding-window/recipe.toml"),
    ),
];

/// All of them, in the order of the manual.
pub(crate) fn embedded() -> Result<Vec<Recipe>> {
    TEXTS.iter().map(|(place, text)| Recipe::parse(text, place)).collect()
}

/// The recipe called `name`: one that is embedded, or a file that ends in `.toml`.
pub(crate) fn find(name: &str) -> Result<Recipe> {
    if name.ends_with(".toml") {
        let text = std::fs::read_to_string(name)
            .map_err(|why| hint::error(format!("{name}: {why}"), "check the path"))?;
        return Recipe::parse(&text, name);
    }
    embedded()?.into_iter().find(|recipe| recipe.slug == name).ok_or_else(|| {
        hint::error(
            format!("no paper is called {name:?}"),
            "`tastemaker paper --list` names them; a recipe of your own is a file that ends in .toml",
        )
    })
}
