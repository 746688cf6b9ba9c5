//! The recipes that the binary brings along.

use anyhow::Result;

use super::Recipe;
use crate::hint;

const TEXTS: [(&str, &str); 8] = [
    ("papers/sasrec/recipe.toml", include_str!("../../../../papers/sasrec/recipe.toml")),
    ("papers/logq/recipe.toml", include_str!("../../../../papers/logq/recipe.toml")),
    ("papers/hstu/recipe.toml", include_str!("../../../../papers/hstu/recipe.toml")),
    (
        "papers/sliding-window/recipe.toml",
        include_str!("../../../../papers/sliding-window/recipe.toml"),
    ),
    (
        "papers/honest-split/recipe.toml",
        include_str!("../../../../papers/honest-split/recipe.toml"),
    ),
    (
        "papers/unified-embedding/recipe.toml",
        include_str!("../../../../papers/unified-embedding/recipe.toml"),
    ),
    (
        "papers/delta-updates/recipe.toml",
        include_str!("../../../../papers/delta-updates/recipe.toml"),
    ),
    (
        "papers/embedding-offload/recipe.toml",
        include_str!("../../../../papers/embedding-offload/recipe.toml"),
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

#[cfg(test)]
mod tests {
    use super::super::recipe::Grid;
    use super::*;

    /// The experiments of a grid: data, split, settings and seeds of each arm.
    fn experiments(recipe: &Recipe, grid: &Grid) -> Vec<(String, u32)> {
        let data = recipe.data_of(grid).unwrap();
        let of = |own| {
            let settings = recipe.settings(grid, own, false).unwrap().to_json().unwrap();
            let model = &recipe.arm(&own.arm).unwrap().model;
            let split = grid.split.in_words();
            let words = format!("{:?} {:?} {split} {model} {settings}", data.path, data.map);
            (words, own.seeds)
        };
        grid.arms.iter().map(of).collect()
    }

    #[test]
    fn what_a_paper_borrows_is_what_its_lenders_run() {
        let recipes = embedded().unwrap();
        let recipe = find("honest-split").unwrap();
        let lenders = recipes.iter().filter(|lender| recipe.borrow.contains(&lender.slug));
        let lent: Vec<(String, u32)> = lenders
            .flat_map(|lender| {
                lender.grids.iter().flat_map(move |grid| experiments(lender, grid))
            })
            .collect();
        let own = |name: &str| experiments(&recipe, recipe.grid(name).unwrap());
        let is_lent = |own: &&(String, u32)| {
            lent.iter().any(|(words, seeds)| *words == own.0 && *seeds >= own.1)
        };
        for name in ["ml-100k-time", "ml-1m-time"] {
            let own = own(name);
            let lacking: Vec<&(String, u32)> = own.iter().filter(|own| !is_lent(own)).collect();
            // The ablation of HSTU has one seed there.
            assert!(
                lacking.iter().all(|(words, seeds)| {
                    *seeds > 1 && words.contains("\"time_bias\":false")
                }),
                "{name}: {lacking:#?}"
            );
        }
        // By leave-last-out on approximate times: HSTU with and without time, SASRec, item-kNN
        // and popular.
        assert_eq!(own("ml-1m-last").iter().filter(is_lent).count(), 5);
    }
}
