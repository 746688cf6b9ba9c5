//! The house rules that a machine can hold: order of crates, maps that name what exists,
//! short front pages, no swamps.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the checkout")
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Folders of the crates, in the order of the members list.
fn members() -> Vec<String> {
    let manifest: toml::Table = read("Cargo.toml").parse().expect("the root manifest is TOML");
    let members = manifest["workspace"]["members"].as_array().expect("a list");
    members.iter().map(|member| member.as_str().expect("a path").to_owned()).collect()
}

fn crate_name(member: &str) -> String {
    let manifest: toml::Table =
        read(Path::new(member).join("Cargo.toml")).parse().expect("a manifest is TOML");
    manifest["package"]["name"].as_str().expect("a name").to_owned()
}

fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> =
        members().iter().map(|member| root().join(member)).collect();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    assert!(found.len() > 50, "the walk finds the sources");
    found
}

#[test]
fn a_crate_depends_only_on_crates_above_it() {
    let members = members();
    let names: Vec<String> = members.iter().map(|member| crate_name(member)).collect();
    for (place, member) in members.iter().enumerate() {
        let manifest: toml::Table =
            read(Path::new(member).join("Cargo.toml")).parse().expect("TOML");
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let Some(table) = manifest.get(section).and_then(|section| section.as_table())
            else {
                continue;
            };
            for dependency in table.keys() {
                if let Some(at) = names.iter().position(|name| name == dependency) {
                    assert!(at < place, "{member} depends on {dependency}, which is below it");
                }
            }
        }
    }
    // What serves must be buildable without what trains.
    for quiet in ["retrieve", "rank", "serve"] {
        let Some(at) = names.iter().position(|name| name == quiet) else { continue };
        let manifest = read(Path::new(&members[at]).join("Cargo.toml"));
        assert!(!manifest.contains("\ntrain."), "{quiet} must not know train");
    }
}

#[test]
fn dependencies_stand_in_the_root_manifest() {
    for member in members() {
        let manifest: toml::Table =
            read(Path::new(&member).join("Cargo.toml")).parse().expect("TOML");
        for section in ["dependencies", "dev-dependencies"] {
            let Some(table) = manifest.get(section).and_then(|section| section.as_table())
            else {
                continue;
            };
            for (name, value) in table {
                let inherited =
                    value.get("workspace").and_then(toml::Value::as_bool) == Some(true);
                assert!(inherited, "{member}: {name} states its own version");
            }
        }
    }
}

#[test]
fn the_map_names_every_crate_and_only_what_exists() {
    let map = read("ARCHITECTURE.md");
    for member in members() {
        let name = crate_name(&member);
        assert!(map.contains(&format!("`{name}`")), "ARCHITECTURE.md does not name `{name}`");
    }
    let mut checked = 0;
    for quoted in map.split('`').skip(1).step_by(2) {
        let folders = ["crates/", "bench/", "config/", "examples/", "papers/", ".ci/"];
        if folders.iter().any(|folder| quoted.starts_with(folder)) {
            assert!(
                root().join(quoted).exists(),
                "ARCHITECTURE.md names {quoted}: no such path"
            );
            checked += 1;
        }
    }
    assert!(checked >= 20, "{checked} paths in the map");
}

#[test]
fn front_pages_are_short_and_swamps_are_not_dug() {
    let swamps: BTreeSet<&str> =
        ["utils", "util", "common", "types", "helpers", "base", "misc", "core"].into();
    let mut long = Vec::new();
    let sources = sources();
    for path in &sources {
        let stem = path.file_stem().expect("a file").to_string_lossy().into_owned();
        assert!(!swamps.contains(stem.as_str()), "{}: name it by its idea", path.display());
        let lines = std::fs::read_to_string(path).expect("readable").lines().count();
        if stem == "lib" {
            assert!(lines <= 150, "{}: {lines} lines; a front page has 150", path.display());
        }
        if lines > 500 {
            long.push((lines, path.clone()));
        }
    }
    let share = long.len() as f64 / sources.len() as f64;
    assert!(share <= 0.1, "more than one file in ten has over 500 lines: {long:?}");
}

#[test]
fn nothing_unsafe_without_a_reason_and_nothing_of_this_machine() {
    for path in sources() {
        let text = std::fs::read_to_string(&path).expect("readable");
        let word = ["un", "safe {"].concat();
        // Kernels of certain instructions need it, and the allocator of a test; nothing else.
        let place = path.to_string_lossy();
        let kernels = place.contains("crates/tensor/src/")
            || place.ends_with("crates/tables/src/prefetch.rs")
            || place.ends_with("crates/tensor/tests/allocations.rs");
        let mut reason = false;
        for line in text.lines().map(str::trim) {
            let fine = !line.contains(&word) || kernels && reason;
            assert!(fine, "{}: {word} without a SAFETY comment above", path.display());
            reason = line.starts_with("// SAFETY:") || reason && line.starts_with("//");
        }
        let place = ["/wo", "rk/"].concat();
        assert!(!text.contains(&place), "{}: a path of one machine", path.display());
    }
}
