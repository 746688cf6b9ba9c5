//! Every loss, sampler, update and optimiser learns a log whose next item is a function of the
//! last.

use train::optim::{AdagradConfig, AdamConfig, WeightDecay};
use train::sample::{HardWeight, Labels, Layout, Negatives};
use train::{ItemUpdates, LogQ, Loss, Optimizer, Schedule, SequenceConfig};

use crate::planted::{log, quick, sasrec, train};

#[track_caller]
fn learns(what: &str, config: &SequenceConfig) {
    let (events, held) = log(164);
    let trained = train(config, &events, &held);
    let (first, last) = (&trained.epochs[0], &trained.epochs[trained.epochs.len() - 1]);
    let falls = last.loss < 0.7 * first.loss;
    assert!(falls, "{what}: the loss goes from {} to {}", first.loss, last.loss);
    let best = &trained.epochs[trained.best_epoch as usize - 1];
    let ndcg = best.ndcg.unwrap();
    assert!(ndcg > 0.9, "{what}: NDCG@10 {ndcg}, loss {} to {}", first.loss, last.loss);
}

const UNIFORM: [(Layout, bool); 5] = [
    (Layout::Shared, false),
    (Layout::PerRow, false),
    (Layout::PerRow, true),
    (Layout::PerToken, false),
    (Layout::PerToken, true),
];

#[test]
fn every_loss_learns() {
    let quick = quick();
    let per_token = Negatives::Uniform { count: 16, layout: Layout::PerToken, unseen: true };
    let binary = |t| SequenceConfig {
        loss: Loss::Gbce { t },
        negatives: per_token.clone(),
        epochs: 60,
        ..quick.clone()
    };
    learns("bce", &binary(0.0));
    learns("gbce", &binary(0.75));
    let loss = Loss::FullSoftmax { temperature: 1.0 };
    learns("full softmax", &SequenceConfig { loss, ..quick.clone() });
    let loss = Loss::SampledSoftmax { log_q: LogQ::None, temperature: 0.5 };
    learns("temperature", &SequenceConfig { loss, ..quick });
}

#[test]
fn every_form_of_logq_learns() {
    for log_q in [LogQ::None, LogQ::Standard, LogQ::NegativesOnly, LogQ::Corrected] {
        let loss = Loss::SampledSoftmax { log_q, temperature: 1.0 };
        for negatives in [
            Negatives::Popularity {
                count: 16,
                power: 0.75,
                layout: Layout::Shared,
                unseen: false,
            },
            Negatives::Mixed { count: 24, share: 0.5, labels: Labels::Unique },
        ] {
            let what = format!("{log_q:?} with {negatives:?}");
            learns(&what, &SequenceConfig { loss: loss.clone(), negatives, ..quick() });
        }
    }
}

#[test]
fn every_sampler_learns() {
    let mut all: Vec<Negatives> = Vec::new();
    for (layout, unseen) in UNIFORM {
        all.push(Negatives::Uniform { count: 16, layout, unseen });
        all.push(Negatives::Popularity { count: 16, power: 0.75, layout, unseen });
    }
    for labels in [Labels::Unique, Labels::Repeated] {
        all.push(Negatives::InBatch { count: None, labels });
        all.push(Negatives::InBatch { count: Some(16), labels });
        all.push(Negatives::Mixed { count: 24, share: 0.5, labels });
    }
    for weight in [HardWeight::Uniform, HardWeight::Drawn] {
        all.push(Negatives::Hard { count: 16, share: 0.25, weight, power: 0.0 });
    }
    for negatives in all {
        let what = format!("{negatives:?}");
        learns(&what, &SequenceConfig { negatives, epochs: 25, ..quick() });
    }
}

#[test]
fn every_optimiser_learns_by_table_and_by_rows() {
    let adam = AdamConfig::default();
    let decoupled = AdamConfig { decay: 0.01, decay_kind: WeightDecay::Decoupled, ..adam };
    for (optimizer, peak) in [
        (Optimizer::Adam(adam), 0.01),
        (Optimizer::Adam(decoupled), 0.01),
        (Optimizer::Adagrad(AdagradConfig::default()), 0.05),
    ] {
        for item_updates in [ItemUpdates::Dense, ItemUpdates::Rows, ItemUpdates::Keyed] {
            let what = format!("{optimizer:?} {item_updates:?}");
            let optimizer = optimizer.clone();
            let schedule = Schedule { peak, ..Schedule::default() };
            let config =
                SequenceConfig { optimizer, item_updates, schedule, clip_norm: 5.0, ..quick() };
            learns(&what, &config);
        }
    }
}

#[test]
fn by_rows_is_the_table_where_every_row_is_touched() {
    // All items are negatives of every batch: lazy Adam has no row left out.
    let (events, held) = log(41);
    let all = Negatives::Uniform { count: 2000, layout: Layout::Shared, unseen: false };
    let mut config = SequenceConfig { negatives: all, epochs: 2, ..quick() };
    let by_table = train(&config, &events, &held);
    config.item_updates = ItemUpdates::Rows;
    let by_rows = train(&config, &events, &held);
    let pairs = by_table.items.values().iter().zip(by_rows.items.values());
    let apart = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    // Lazy Adam adds eps before the bias correction, dense Adam after it: numbers whose gradients
    // are as small as eps move a little differently, by a fraction of the rate.
    assert!(apart < 5e-4, "{apart}");
}

#[test]
fn hstu_learns_and_kept_or_recomputed_alike() {
    let mut config = quick();
    config.loss = Loss::SampledSoftmax { log_q: LogQ::None, temperature: 0.05 };
    config.negatives =
        Negatives::Uniform { count: 16, layout: Layout::PerToken, unseen: false };
    let model = models::HstuConfig {
        dim: 16,
        query_width: 8,
        value_width: 8,
        length_max: 8,
        score_length: 8,
        dropout: 0.1,
        ..models::HstuConfig::default()
    };
    config.model = model.clone().into();
    learns("hstu", &config);
    // Dropout has other masks, so that only without it the bits are the same.
    config.epochs = 2;
    config.model = models::HstuConfig { dropout: 0.0, ..model.clone() }.into();
    let (events, held) = log(60);
    let kept = train(&config, &events, &held);
    config.model = models::HstuConfig { dropout: 0.0, recompute: true, ..model }.into();
    let again = train(&config, &events, &held);
    assert_eq!(kept.items, again.items);
    assert_eq!(kept.model.parameters(), again.model.parameters());
}

#[test]
fn dropout_and_blocks_learn() {
    use models::BlockKind;
    for block in [BlockKind::Classic, BlockKind::Ligr] {
        let mut config = quick();
        sasrec(&mut config).block = block;
        sasrec(&mut config).blocks = 2;
        sasrec(&mut config).dropout = 0.1;
        sasrec(&mut config).dropout_hidden = 0.1;
        sasrec(&mut config).scale_embedding = block == BlockKind::Classic;
        config.epochs = 40;
        learns(&format!("{block:?}"), &config);
    }
}
