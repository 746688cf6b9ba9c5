//! Sealed versions: publishing, loading, going back, and what faults and damage do.

use std::path::Path;
use std::sync::Arc;

use data::{Catalogue, FaultyFiles, Files, RealFiles, sealed};
use retrieve::{
    Everything, MODEL_NAMES, MergeConfig, Model, ModelFacts, Retriever, Version, VersionFacts,
    current, list, publish, rollback, set_current,
};

use super::worlds::{Told, fit, query, small, two_tastes};

fn files() -> Arc<dyn Files> {
    Arc::new(RealFiles)
}

/// 60 users and 40 items, as in [`two_tastes`].
fn catalogue() -> Catalogue {
    let mut catalogue = Catalogue::default();
    for user in 0..60 {
        catalogue.users.intern(&format!("u{user}")).expect("few ids");
    }
    for item in 0..40 {
        catalogue.items.intern(&format!("i{item}")).expect("few ids");
    }
    catalogue
}

fn facts(models: &[&Model]) -> VersionFacts {
    VersionFacts {
        created_ms: 1_500_000_000_000,
        log_checksum: "abc".into(),
        seed: 7,
        models: models.iter().map(|model| ModelFacts::of(model, 0.25)).collect(),
        ..VersionFacts::of_catalogue(&catalogue())
    }
}

fn popular() -> Model {
    fit("popular", &small(), &two_tastes())
}

fn publish_popular(files: &Arc<dyn Files>, dir: &Path) -> retrieve::Result<String> {
    let model = popular();
    publish(files, dir, &[&model], facts(&[&model]))
}

#[test]
fn what_was_published_is_loaded() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("models");
    assert_eq!(current(&files(), &dir).unwrap(), None);
    assert!(Version::load_current(&files(), &dir).unwrap().is_none());
    assert!(list(&files(), &dir).unwrap().is_empty());

    let log = two_tastes();
    let models = MODEL_NAMES.map(|name| fit(name, &small(), &log));
    let models: Vec<&Model> = models.iter().collect();
    assert_eq!(publish(&files(), &dir, &models, facts(&models)).unwrap(), "000001");
    let version = Version::load_current(&files(), &dir).unwrap().unwrap();
    assert_eq!(version.id(), "000001");
    assert_eq!(version.models().iter().map(Arc::as_ref).collect::<Vec<_>>(), models);
    let told = version.facts();
    assert_eq!((told.format, told.parent.as_deref(), told.items), (1, None, 40));
    assert_eq!(told.models[2].file, "item-knn.safetensors");
    assert!((told.models[2].seconds - 0.25).abs() < 1e-9);
    assert!(version.retriever("walk").is_some() && version.retriever("nothing").is_none());
    version.check_catalogue(&catalogue()).unwrap();

    let told = Told::of(&[3, 5]);
    let asked = query(told.history(), &Everything, 10);
    let merged = version.merge().recommend(version.models(), &asked);
    assert_eq!((merged.items.len(), merged.fallback), (10, None));

    assert_eq!(publish(&files(), &dir, &models[..1], facts(&models)).unwrap(), "000002");
    let entries = list(&files(), &dir).unwrap();
    let seen: Vec<(&str, bool, Option<&str>)> = entries
        .iter()
        .map(|entry| (entry.id.as_str(), entry.current, entry.facts.parent.as_deref()))
        .collect();
    assert_eq!(seen, [("000001", false, None), ("000002", true, Some("000001"))]);
    assert_eq!(entries[1].facts.models.len(), 1);
}

#[test]
fn going_back_goes_to_the_newest_older_version() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    assert!(rollback(&files(), dir).unwrap_err().to_string().contains("no model version"));
    for _ in 0..3 {
        publish_popular(&files(), dir).unwrap();
    }
    let steps = || rollback(&files(), dir).map(|(from, to)| format!("{from} {to}"));
    assert_eq!(steps().unwrap(), "000003 000002");
    assert_eq!(current(&files(), dir).unwrap().as_deref(), Some("000002"));
    assert_eq!(steps().unwrap(), "000002 000001");
    let why = steps().unwrap_err().to_string();
    assert!(why.contains("before 000001"), "{why}");
    set_current(&files(), dir, "000003").unwrap();
    for wrong in ["000004", "../000001", "", "1"] {
        let why = set_current(&files(), dir, wrong).unwrap_err().to_string();
        assert!(why.contains("no model version"), "{why}");
    }
    // Numbers only rise, also after going back.
    rollback(&files(), dir).unwrap();
    assert_eq!(publish_popular(&files(), dir).unwrap(), "000004");
    assert_eq!(list(&files(), dir).unwrap()[3].facts.parent.as_deref(), Some("000002"));
}

#[test]
fn a_damaged_version_is_not_made_current() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    publish_popular(&files(), dir).unwrap();
    publish_popular(&files(), dir).unwrap();
    let file = dir.join("000001/popular.safetensors");
    let mut bytes = std::fs::read(&file).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    for why in [
        rollback(&files(), dir).unwrap_err(),
        set_current(&files(), dir, "000001").unwrap_err(),
        Version::load(&files(), dir, "000001").unwrap_err(),
    ] {
        assert!(why.to_string().contains("popular.safetensors: damaged"), "{why}");
    }
    assert_eq!(current(&files(), dir).unwrap().as_deref(), Some("000002"));
    // A damaged pointer is named, and replaced by choosing a version.
    std::fs::write(dir.join("current.json"), "{}").unwrap();
    let why = Version::load_current(&files(), dir).unwrap_err().to_string();
    assert!(why.contains("current.json: damaged"), "{why}");
    set_current(&files(), dir, "000002").unwrap();
    assert!(Version::load_current(&files(), dir).unwrap().is_some());
}

#[test]
fn a_fault_at_any_operation_leaves_the_old_version_or_the_new_one() {
    let dir = tempfile::tempdir().unwrap();
    let counting = FaultyFiles::failing_from(u64::MAX);
    let counted = dir.path().join("counted");
    publish_popular(&files(), &counted).unwrap();
    publish_popular(&(Arc::new(counting.clone()) as Arc<dyn Files>), &counted).unwrap();
    assert!(counting.operations() > 15, "{}", counting.operations());
    let (mut old, mut new) = (0, 0);
    for fault in 0..counting.operations() {
        let dir = dir.path().join(format!("at-{fault}"));
        publish_popular(&files(), &dir).unwrap();
        let faulty: Arc<dyn Files> = Arc::new(FaultyFiles::failing_from(fault));
        let published = publish_popular(&faulty, &dir);
        let version = Version::load_current(&files(), &dir).unwrap().unwrap();
        match version.id() {
            "000001" => {
                assert!(published.is_err(), "operation {fault}: published, but not current");
                old += 1;
            }
            "000002" => new += 1,
            other => panic!("operation {fault}: {other}"),
        }
        assert!(version.models()[0].name() == "popular");
        // The next one clears up and goes on, and everything that is there is whole.
        publish_popular(&files(), &dir).unwrap();
        for entry in list(&files(), &dir).unwrap() {
            let found = sealed::verify(&RealFiles, &dir.join(&entry.id));
            assert!(found.is_empty(), "operation {fault}: {found:?}");
        }
        let left = RealFiles.list(&dir).unwrap();
        let staged = |path: &&std::path::PathBuf| path.to_string_lossy().contains(".staging");
        assert_eq!(left.iter().filter(staged).count(), 0, "operation {fault}: {left:?}");
    }
    assert!(old > 0 && new > 0, "{old} old, {new} new");
}

#[test]
fn the_second_publisher_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    publish_popular(&files(), dir).unwrap();
    let held = RealFiles.lock(&dir.join(".lock")).unwrap().expect("nobody else holds it");
    for why in [
        publish_popular(&files(), dir).unwrap_err(),
        set_current(&files(), dir, "000001").unwrap_err(),
        rollback(&files(), dir).unwrap_err(),
    ] {
        assert!(why.to_string().contains("another process is publishing"), "{why}");
    }
    drop(held);
    assert_eq!(publish_popular(&files(), dir).unwrap(), "000002");
}

#[test]
fn a_catalogue_that_does_not_begin_as_the_version_s_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    publish_popular(&files(), dir.path()).unwrap();
    let version = Version::load_current(&files(), dir.path()).unwrap().unwrap();
    let mut longer = catalogue();
    longer.items.intern("new").unwrap();
    longer.users.intern("new").unwrap();
    version.check_catalogue(&longer).unwrap();
    let mut other = Catalogue::default();
    let why = version.check_catalogue(&other).unwrap_err().to_string();
    assert!(why.contains("first 60 users"), "{why}");
    other.users = catalogue().users;
    for item in (0..40).rev() {
        other.items.intern(&format!("i{item}")).unwrap();
    }
    let why = version.check_catalogue(&other).unwrap_err().to_string();
    assert!(why.contains("first 40 items") && why.contains("train again"), "{why}");
}

#[test]
fn what_could_not_be_loaded_again_is_not_published() {
    let dir = tempfile::tempdir().unwrap();
    let model = popular();
    let publish = |models: &[&Model], facts| publish(&files(), dir.path(), models, facts);
    let nothing = publish(&[], facts(&[])).unwrap_err().to_string();
    assert!(nothing.contains("needs a model"), "{nothing}");
    let twice = publish(&[&model, &model], facts(&[])).unwrap_err().to_string();
    assert!(twice.contains("twice"), "{twice}");
    let merge_config = MergeConfig { candidates: 0, ..MergeConfig::default() };
    let merge = VersionFacts { merge_config, ..facts(&[]) };
    let merge = publish(&[&model], merge).unwrap_err().to_string();
    assert!(merge.contains("merge.candidates"), "{merge}");
    let small = VersionFacts { items: 39, ..facts(&[]) };
    let small = publish(&[&model], small).unwrap_err().to_string();
    assert!(small.contains("40 items of 39"), "{small}");
    assert!(list(&files(), dir.path()).unwrap().is_empty());
    assert!(RealFiles.list(dir.path()).unwrap().iter().all(|path| path.ends_with(".lock")));
}

#[test]
fn a_version_of_a_newer_program_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let facts = serde_json::json!({"format": 2, "models_config": {"transformer": {}}});
    let staged = sealed::Staged::begin(files(), dir.path(), "000001").unwrap();
    staged.seal("model", facts).unwrap();
    let why = Version::load(&files(), dir.path(), "000001").unwrap_err().to_string();
    assert!(why.contains("upgrade tastemaker"), "{why}");
    let staged = sealed::Staged::begin(files(), dir.path(), "000002").unwrap();
    staged.seal("report", serde_json::json!({})).unwrap();
    let why = Version::load(&files(), dir.path(), "000002").unwrap_err().to_string();
    assert!(why.contains("kind \"report\""), "{why}");
}
