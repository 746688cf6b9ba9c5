//! The log through its writer: live appends, order, duplicates, locks, faults.

use std::path::Path;
use std::sync::Arc;

use data::{
    Error, FaultyFiles, Feedback, Files, Item, Log, NewEvent, PositiveRule, Progress,
    RealFiles, Shown, Slate, User, Writer,
};

const DAY: i64 = 86_400_000;

fn files() -> Arc<dyn Files> {
    Arc::new(RealFiles)
}

fn event(user: &str, item: &str, day: i64) -> NewEvent {
    NewEvent {
        user: Some(user.into()),
        item: Some(item.into()),
        kind: "play".into(),
        time_ms: (17_000 + day) * DAY,
        ..NewEvent::default()
    }
}

fn append(dir: &Path, events: &[NewEvent]) -> data::Appended {
    Writer::open(files(), dir).unwrap().append(events, &[], &[], &[], 9).unwrap()
}

fn slate() -> Slate {
    Slate {
        request: "r-1".into(),
        time_ms: 17_000 * DAY,
        user: Some("nobody".into()),
        surface: "home".into(),
        context: "{}".into(),
        model_version: "v1".into(),
        seed: 3,
        candidates: vec![1, 0],
        shown: vec![Shown { item: 1, position: 0, propensity: 1.0 }],
    }
}

#[test]
fn what_goes_in_comes_out_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("log");
    append(&dir, &[event("u", "b", 2), event("u", "a", 1), event("v", "a", 3)]);
    let mut search = event("u", "c", 2);
    search.query = Some("shoes".into());
    search.request = Some("r-1".into());
    search.value = Some(2.5);
    let mut item = Item::bare("c");
    item.title = Some("C".into());
    item.categories = vec!["x".into(), "y".into()];
    item.attributes.insert("year".into(), "1999".into());
    let user = User { id: "w".into(), attributes: [("age".into(), "7".into())].into() };
    let writer = Writer::open(files(), &dir).unwrap();
    writer
        .append(
            &[search],
            &[slate()],
            std::slice::from_ref(&item),
            std::slice::from_ref(&user),
            10,
        )
        .unwrap();

    let log = Log::open(files(), &dir).unwrap();
    let catalogue = log.catalogue().unwrap();
    let events: Vec<_> = log.events().unwrap().map(Result::unwrap).collect();
    let items: Vec<&str> =
        events.iter().map(|event| catalogue.items.id(event.item.unwrap()).unwrap()).collect();
    assert_eq!(items, ["a", "b", "c", "a"]);
    assert_eq!(events[2].query.as_deref(), Some("shoes"));
    assert_eq!((events[2].value, events[2].received_ms), (Some(2.5), 10));
    assert_eq!(events[0].value, None);
    assert_eq!(catalogue.item(catalogue.items.get("c").unwrap()), Some(&item));
    assert_eq!(catalogue.user(catalogue.users.get("w").unwrap()), Some(&user));
    assert_eq!(log.slates().unwrap(), [slate()]);
    assert!(Log::verify(&files(), &dir).is_empty());

    let all = log.sequences(&Feedback::default(), &Progress::silent()).unwrap();
    let u = all.user(catalogue.users.get("u").unwrap());
    assert_eq!((u.items.len(), u.values), (3, &[1.0, 1.0, 2.5][..]));
    let rule = PositiveRule { min_value: Some(2.0), ..PositiveRule::default() };
    let loved = Feedback { positive: vec![rule] };
    assert_eq!(log.sequences(&loved, &Progress::silent()).unwrap().events(), 1);
}

#[test]
fn equal_rows_are_two_events_and_the_same_rows_again_are_none() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("log");
    let twice = [event("u", "a", 1), event("u", "a", 1), event("u", "b", 1)];
    assert_eq!(append(&dir, &twice).events, 3);
    let manifest = std::fs::read(dir.join("manifest.json")).unwrap();
    let again = append(&dir, &twice);
    assert_eq!((again.events, again.duplicates), (0, 3));
    assert_eq!(std::fs::read(dir.join("manifest.json")).unwrap(), manifest);
    let mut more = twice.to_vec();
    more.push(event("u", "a", 1));
    assert_eq!(append(&dir, &more).events, 1);

    let mut own = event("u", "z", 5);
    own.id = Some("e-1".into());
    assert_eq!(append(&dir, &[own.clone(), own.clone()]).events, 1);
    assert_eq!(append(&dir, &[own]).events, 0);
}

#[test]
fn many_equal_instants_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let rows: Vec<NewEvent> =
        (0..100).map(|row| event("u", &format!("i{}", row % 50), 1)).collect();
    assert_eq!(append(&dir.path().join("log"), &rows).events, 100);
    assert_eq!(append(&dir.path().join("log"), &rows).duplicates, 100);
}

#[test]
fn the_second_writer_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("log");
    append(&dir, &[event("u", "a", 1)]);
    let first = Writer::open(files(), &dir).unwrap();
    let second = Writer::open(files(), &dir).err().unwrap();
    assert!(matches!(second, Error::Busy { .. }), "{second}");
    assert!(second.to_string().contains("another process is writing"));
    drop(first);
    assert!(Writer::open(files(), &dir).is_ok());
}

#[test]
fn a_folder_with_other_things_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("thesis.tex"), "x").unwrap();
    assert!(Writer::open(files(), dir.path()).is_err());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    let none = Log::open(files(), &dir.path().join("none")).unwrap_err();
    assert!(none.to_string().contains("tastemaker import"), "{none}");
}

#[test]
fn a_fault_at_any_operation_leaves_the_old_log_or_the_new_one() {
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = ([event("u", "a", 1)], [event("v", "b", 2), event("u", "b", 3)]);
    let attempt = |files: Arc<dyn Files>, dir: &Path| -> data::Result<()> {
        Writer::open(files, dir)?.append(&second, &[slate()], &[Item::bare("q")], &[], 9)?;
        Ok(())
    };
    let counting = FaultyFiles::failing_from(u64::MAX);
    let counted = dir.path().join("counted");
    append(&counted, &first);
    attempt(Arc::new(counting.clone()), &counted).unwrap();
    assert!(counting.operations() > 40);
    let (mut old, mut new) = (0, 0);
    for fault in 0..counting.operations() {
        let dir = dir.path().join(format!("at-{fault}"));
        append(&dir, &first);
        let result = attempt(Arc::new(FaultyFiles::failing_from(fault)), &dir);
        let log = Log::open(files(), &dir).unwrap();
        let events = log.events().unwrap().count();
        match (events, log.slates().unwrap().len(), log.catalogue().unwrap().items.len()) {
            (1, 0, 1) => old += 1,
            (3, 1, 3) => new += 1,
            mix => panic!("operation {fault}: {mix:?}"),
        }
        assert!(events == 3 || result.is_err(), "operation {fault} lost an acknowledged write");
        // The next writer clears up, and the log is whole.
        append(&dir, &second);
        assert!(Log::verify(&files(), &dir).is_empty(), "operation {fault}");
        assert_eq!(Log::open(files(), &dir).unwrap().events().unwrap().count(), 3);
    }
    assert!(old > 0 && new > 0, "{old} old, {new} new");
}

#[test]
fn every_flipped_byte_of_a_log_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("log");
    append(&dir, &[event("u", "a", 1), event("v", "b", 2)]);
    let mut paths = vec![dir.join("manifest.json")];
    paths.extend(RealFiles.list(&dir.join("imports/000001")).unwrap());
    assert!(paths.len() >= 5, "{paths:?}");
    for path in paths {
        let bytes = std::fs::read(&path).unwrap();
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << (at % 8);
            std::fs::write(&path, &flipped).unwrap();
            let found = Log::verify(&files(), &dir);
            let name = path.to_string_lossy().into_owned();
            let named = found.iter().any(|error| error.to_string().contains(&name));
            assert!(named, "{name} byte {at}: {found:?}");
        }
        std::fs::write(&path, bytes).unwrap();
    }
}

#[test]
fn locks_and_unfinished_folders_beside_model_versions_are_no_damage() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("log");
    append(&dir, &[event("u", "a", 1)]);
    let models = dir.join("models");
    std::fs::create_dir_all(models.join(".staging-000002")).unwrap();
    std::fs::write(models.join(".lock"), "").unwrap();
    std::fs::write(models.join(".current.json.new"), "half").unwrap();
    std::fs::write(models.join(".staging-000002/als.safetensors"), "half").unwrap();
    assert!(Log::verify(&files(), &dir).is_empty());
    std::fs::write(models.join("current.json"), "{\"version\": \"000001\"}").unwrap();
    std::fs::create_dir(models.join("000001")).unwrap();
    let found = Log::verify(&files(), &dir);
    assert_eq!(found.len(), 2, "{found:?}");
}

#[test]
fn a_dictionary_knows_whether_it_began_as_another() {
    let mut short = data::Dictionary::default();
    let mut long = data::Dictionary::default();
    for id in ["a", "bc", ""] {
        short.intern(id).unwrap();
    }
    for id in ["a", "bc", "", "d"] {
        long.intern(id).unwrap();
    }
    assert_eq!(long.checksum_of_first(3), Some(short.checksum()));
    assert_eq!(long.checksum_of_first(4), Some(long.checksum()));
    assert_ne!(long.checksum_of_first(2), Some(short.checksum()));
    assert_eq!(long.checksum_of_first(0), Some(data::Dictionary::default().checksum()));
    assert_eq!(long.checksum_of_first(5), None);
}
