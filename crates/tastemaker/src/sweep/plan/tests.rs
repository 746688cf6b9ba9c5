use super::*;

fn file(search: &str, vary: &str) -> String {
    format!(
        "name = \"s\"\ntitle = \"t\"\nsearch = {search}\nsplit = {{ kind = \"leave-last-out\" }}\n\
         [settings]\nepochs = 2\n[vary]\n{vary}\n"
    )
}

const GRID: &str = "{ kind = \"grid\" }";

fn plan(search: &str, vary: &str) -> Plan {
    Sweep::parse(&file(search, vary)).unwrap().plan().unwrap()
}

#[test]
fn a_grid_is_every_combination_over_the_shared_settings() {
    let plan = plan(GRID, "\"model.dim\" = [32, 64]\n\"schedule.peak\" = [0.01, 0.001, 0.1]");
    let words: Vec<String> =
        plan.combinations.iter().map(|combination| in_words(&combination.values)).collect();
    assert_eq!(words.len(), 6);
    assert_eq!(words[0], "model.dim 32, schedule.peak 0.01");
    assert_eq!(words[5], "model.dim 64, schedule.peak 0.1");
    for combination in &plan.combinations {
        assert_eq!(combination.json["epochs"], 2);
        assert_eq!(combination.json["model"]["dim"], combination.values["model.dim"]);
        assert_eq!(combination.json["model"]["heads"], 2, "what is not varied stays");
    }
}

#[test]
fn whole_choices_can_be_varied() {
    let plan = plan(
        GRID,
        "loss = [{ kind = \"gbce\", t = 0.5 }, { kind = \"full-softmax\" }]\n\
         model = [{ dim = 32, heads = 1 }, { dim = 48, heads = 3 }]",
    );
    assert_eq!(plan.combinations.len(), 4);
    assert_eq!(plan.combinations[0].json["loss"]["kind"], "gbce");
    assert_eq!(plan.combinations[3].json["loss"]["kind"], "full-softmax");
    assert_eq!(plan.combinations[3].json["model"]["heads"], 3);
    let words = in_words(&plan.combinations[0].values);
    assert_eq!(words, "loss gbce (t 0.5), model {\"dim\":32,\"heads\":1}");
}

#[test]
fn random_draws_are_distinct_and_follow_the_seed() {
    let random = |seed: u32, trials: u32| {
        let search = format!("{{ kind = \"random\", trials = {trials}, seed = {seed} }}");
        let vary = "\"model.dim\" = [32, 64]\n\"model.blocks\" = { from = 1, to = 3 }";
        let all = plan(&search, vary).combinations;
        all.iter().map(|combination| in_words(&combination.values)).collect::<Vec<_>>()
    };
    let four = random(1, 4);
    assert_eq!((four.len(), &four), (4, &random(1, 4)));
    assert_ne!(four, random(2, 4));
    assert_eq!(random(1, 100).len(), 6, "there are no others");
    assert_eq!(random(1, 5)[..4], four, "more trials begin with the same");
}

#[test]
fn what_is_not_a_setting_is_refused_and_what_is_one_named() {
    for (vary, words) in [
        (
            "\"model.dims\" = [32]",
            "\"model.dims\": no setting \"dims\" in model; there are block,",
        ),
        ("modle.dim = [32]", "no setting \"modle\"; there are batch_tokens,"),
        ("\"epochs.more\" = [1]", "\"epochs.more\": epochs is one value, 2, without parts"),
        ("\"model.dim\" = [32, \"wide\"]", "\"model.dim\" = \"wide\": invalid type"),
        ("\"model.dim\" = [32, 64.5]", "\"model.dim\" = 64.5: invalid type"),
        ("\"model.dim\" = { from = -1, to = 64 }", "\"model.dim\" = -1: invalid value"),
        ("\"model.heads\" = [2, 3]", "model.heads 3: model.heads"),
        ("\"loss.kind\" = [\"gbce\"]", "\"loss.kind\" = \"gbce\": missing field `t`"),
        ("\"model.dim\" = { from = 32, to = 64 }", "add count"),
        ("a.b = 3", "vary: \"a.b\": 3 is one value"),
    ] {
        let error = format!("{:#}", Sweep::parse(&file(GRID, vary)).unwrap_err());
        assert!(error.contains(words), "{vary}: {error}");
    }
    let many = "\"model.dim\" = { from = 1, to = 9999, count = 9999 }\nepochs = [1, 2]";
    let error = Sweep::parse(&file(GRID, many)).unwrap_err().to_string();
    assert!(error.contains("10000 at most"), "{error}");
    let none = "{ kind = \"random\", trials = 0, seed = 1 }";
    let error = Sweep::parse(&file(none, "epochs = [1]")).unwrap_err().to_string();
    assert!(error.contains("search: 0 trials"), "{error}");
}
