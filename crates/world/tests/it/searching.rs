//! Searches have a truth: who knows the title says its words, who does not says others.

use std::collections::BTreeSet;

use world::{Kind, Preset, World, record};

use crate::playing::{round, small};

#[test]
fn precise_words_are_in_titles_and_vague_ones_in_texts_only() {
    let mut config = small(Preset::Shop);
    (config.search.share, config.search.vague) = (1.0, 0.5);
    config.catalogue.arrivals_a_day = 0.0;
    let mut world = World::new(config, 5).expect("a world");
    let (mut titles, mut texts) = (BTreeSet::new(), BTreeSet::new());
    for item in world.catalogue().items() {
        let words = world.words(item);
        titles.extend(words.title.split(' ').map(str::to_owned));
        texts.extend(words.text.split(' ').map(str::to_owned));
    }
    let (mut precise, mut vague) = (0, 0);
    let mut draw = 1;
    let mut requests = Vec::new();
    for _ in 0..80 {
        let found = round(&mut world, &mut draw);
        let searches = found.happened.iter().filter(|event| event.kind == Kind::Search).count();
        assert_eq!(searches, found.requests.len());
        requests.extend(found.requests);
    }
    for request in &requests {
        let query = request.query.as_deref().expect("everybody searches");
        let words: Vec<&str> = query.split(' ').collect();
        let in_titles = words.iter().filter(|word| titles.contains(**word)).count();
        match in_titles {
            0 => vague += 1,
            n => {
                assert_eq!(n, words.len(), "{query}");
                precise += 1;
            }
        }
    }
    let share = f64::from(vague) / f64::from(vague + precise);
    assert!((share - 0.5).abs() < 0.15, "{vague} vague, {precise} precise");
    let known = requests
        .iter()
        .flat_map(|request| request.query.as_deref().unwrap_or("").split(' '))
        .filter(|word| texts.contains(*word))
        .count();
    assert!(known * 10 > requests.len() * 15, "most words stand in some text: {known}");
}

#[test]
fn what_was_searched_for_is_what_counts() {
    let mut config = small(Preset::Shop);
    // Many at once.
    config.comeback.visits_a_day = 5.0;
    (config.search.share, config.search.vague) = (1.0, 0.0);
    let mut world = World::new(config, 5).expect("a world");
    let requests = world.next_requests().to_vec();
    let mut found = 0;
    for (at, request) in requests.iter().enumerate() {
        let query = request.query.as_deref().expect("everybody searches");
        let truth = world.truth(at);
        let all: Vec<u32> = (0..300).collect();
        let top = truth.best(&all, 10);
        found += usize::from(top.iter().any(|item| {
            let item = world.catalogue().get(*item).expect("alive");
            world.words(item).title.contains(query)
        }));
    }
    assert!(found * 2 > requests.len(), "{found} of {}", requests.len());
}

#[test]
fn records_are_what_a_log_takes() {
    let mut world = World::new(small(Preset::Shop), 5).expect("a world");
    let mut draw = 1;
    let found = round(&mut world, &mut draw);
    let items: Vec<data::Item> =
        world.catalogue().items().map(|item| record::item(&world, item)).collect();
    let users: Vec<data::User> =
        (0..400).filter_map(|number| record::user(&world, number)).collect();
    let mode = world.config().mode;
    let propensities = vec![0.5f32; 12];
    let slates: Vec<data::Slate> = (0u64..)
        .zip(&found.requests)
        .map(|(number, request)| {
            let shown = found.slates.get(number as usize);
            let maker = record::Maker {
                name: "test",
                seed: 1,
                candidates: shown,
                propensities: &propensities,
            };
            record::slate(mode, number, request, shown, maker)
        })
        .collect();
    let events: Vec<data::NewEvent> = found
        .happened
        .iter()
        .map(|event| {
            let number = event.request as usize;
            record::event(number as u64, &found.requests[number], event)
        })
        .collect();
    let dir = tempfile::tempdir().expect("a folder");
    let files: std::sync::Arc<dyn data::Files> = std::sync::Arc::new(data::RealFiles);
    let open = || data::Writer::open(files.clone(), dir.path()).expect("a log");
    open().append(&[], &[], &items, &users, world.now_ms()).expect("a catalogue");
    let appended = open().append(&events, &slates, &[], &[], world.now_ms()).expect("a log");
    assert_eq!((appended.rejects, appended.events), (0, events.len() as u64));
    assert_eq!(appended.slates, slates.len() as u64);
    let log = data::Log::open(files, dir.path()).expect("the log");
    let catalogue = log.catalogue().expect("its catalogue");
    for item in world.catalogue().items() {
        let id = record::item_id(item.id);
        assert_eq!(catalogue.items.id(item.id), Some(id.as_str()), "numbers are indices");
    }
}
