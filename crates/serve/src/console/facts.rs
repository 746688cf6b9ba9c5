//! Log and models: what they say of themselves.

use maud::{Markup, html};
use retrieve::VersionEntry;

use super::cards::colour;
use super::layout::{Page, Place};
use super::words::{day, minute, number};
use crate::state::Inner;
use crate::world::World;

/// Imports and versions on the page, the latest first.
const ROWS: usize = 50;

pub(super) fn page(inner: &Inner) -> Page {
    let world = inner.world.load_full();
    let versions = retrieve::list(&inner.files, &inner.models_dir());
    let body = html! {
        h1 { "Log & models" }
        p.lead { "What the log and the model versions say of themselves. Every file has a checksum; "
            code { "tastemaker verify " (inner.dir.display()) } " checks all of them." }
        section.card { h2 { "Log" } (log(inner, &world)) }
        section.card { h2 { "Imports" } (imports(&world)) }
        section.card {
            h2 { "Model versions" }
            @match versions {
                Ok(versions) if versions.is_empty() => {
                    p { "None yet." }
                    pre.cmd { code { "tastemaker train " (inner.dir.display()) } }
                }
                Ok(versions) => (version_table(&world, &versions)),
                Err(error) => p.notice { (error) },
            }
        }
        @if let Some(version) = &world.version {
            section.card { h2 { "Version " (version.id()) } (version_facts(version.facts())) }
        }
        section.card { h2 { "Settings of this server" } (settings(inner)) }
    };
    Page { title: "Log & models".into(), place: Place::Log, body }
}

fn log(inner: &Inner, world: &World) -> Markup {
    let manifest = &world.base.manifest;
    html! {
        dl.facts {
            dt { "Folder" } dd { code { (inner.dir.display()) } }
            dt { "Clock" } dd { (manifest.clock) }
            @if let (Some(first), Some(last), false) = (manifest.first_ms(), manifest.last_ms(), world.base.order_only()) {
                dt { "Events from" } dd { (minute(first)) }
                dt { "to" } dd { (minute(last)) }
            }
            dt { "Events" }
            dd { (number(manifest.events)) ", of them " (number(world.base.sequences.events() as u64)) " positive" }
            dt { "Kinds" }
            dd { @if manifest.kinds.is_empty() { "none" } @else { (manifest.kinds.join(", ")) } }
            dt { "Users" } dd { (number(manifest.users)) }
            dt { "Items" } dd { (number(manifest.items)) }
            dt { "Slates" } dd { (number(manifest.slates)) }
            dt { "Users with live events" } dd { (number(world.live_users() as u64)) }
            dt { "Checksum when it was read" } dd { code { (world.base.checksum) } }
        }
    }
}

fn imports(world: &World) -> Markup {
    let imports = &world.base.manifest.imports;
    html! {
        @if imports.is_empty() { p.soft { "None." } }
        div.scroll {
            table {
                thead { tr {
                    th { "Import" } th { "Source" } th { "Received" } th.num { "Events" } th.num { "Known before" }
                    th.num { "Rejected" } th.num { "Slates" } th { "Manifest" }
                } }
                tbody {
                    @for import in imports.iter().rev().take(ROWS) {
                        tr {
                            td { (import.folder) }
                            td {
                                (import.source)
                                @for file in &import.files { br; span.small.soft { (file.name) } }
                            }
                            td.nowrap { (minute(import.received_ms)) }
                            td.num { (number(import.events)) }
                            td.num { (number(import.duplicates)) }
                            td.num { @if import.rejects > 0 { span.pill.warn { (number(import.rejects)) } } @else { "0" } }
                            td.num { (number(import.slates)) }
                            td { code title=(import.manifest_blake3) { (short(&import.manifest_blake3)) } }
                        }
                    }
                }
            }
        }
        @if imports.len() > ROWS { p.small.soft { "The latest " (ROWS) " of " (number(imports.len() as u64)) "." } }
    }
}

fn version_table(world: &World, versions: &[VersionEntry]) -> Markup {
    let serving = world.version.as_ref().map(|version| version.id());
    html! {
        div.scroll {
            table {
                thead { tr {
                    th { "Version" } th { "Trained" } th.num { "Events" } th { "Models" } th { "Parent" } th { "" }
                } }
                tbody {
                    @for entry in versions.iter().rev().take(ROWS) {
                        tr {
                            td { (entry.id) }
                            td.nowrap { (minute(entry.facts.created_ms)) }
                            td.num { (number(entry.facts.split.train_events)) }
                            td {
                                div.tags style="margin:0" {
                                    @for model in &entry.facts.models { span class=(colour(&model.name)) { (model.name) } }
                                }
                            }
                            td { (entry.facts.parent.as_deref().unwrap_or("–")) }
                            td {
                                @if serving == Some(entry.id.as_str()) { span.pill { "serving" } " " }
                                @if entry.current && serving != Some(entry.id.as_str()) { span.pill.warn { "current, not served" } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn version_facts(facts: &retrieve::VersionFacts) -> Markup {
    let feedback = serde_json::to_string(&facts.feedback).unwrap_or_default();
    let merge = serde_json::to_string(&facts.merge_config).unwrap_or_default();
    html! {
        dl.facts {
            dt { "Log when trained" } dd { code { (short(&facts.log_checksum)) } }
            dt { "Dictionaries" } dd { (number(facts.users)) " users, " (number(facts.items)) " items" }
            dt { "Split" }
            dd {
                (facts.split.kind)
                @if let Some(test_ms) = facts.split.test_from_ms { ", test from " (day(test_ms)) }
                @if facts.split.leaky { " " span.pill.warn { "leaky" } }
            }
            dt { "Seed" } dd { (facts.seed) }
            dt { "Training" }
            dd {
                @for (at, model) in facts.models.iter().enumerate() {
                    @if at > 0 { ", " }
                    (model.name) " " (format!("{:.2}", model.seconds)) " s"
                }
            }
            @for model in &facts.models {
                @if let Some(training) = &model.training {
                    dt { "Epochs of " (model.name) }
                    dd { (epochs(training)) }
                }
            }
            dt { "Feedback" } dd { code { (feedback) } }
            dt { "Merge" } dd { code { (merge) } }
        }
    }
}

/// Loss and NDCG@10 of every epoch, the best in bold.
fn epochs(training: &retrieve::TrainingFacts) -> Markup {
    html! {
        @for (at, epoch) in training.epochs.iter().enumerate() {
            @let told = match epoch.ndcg {
                Some(ndcg) => format!("{}: loss {:.3}, NDCG@10 {ndcg:.4}", epoch.epoch, epoch.loss),
                None => format!("{}: loss {:.3}", epoch.epoch, epoch.loss),
            };
            @if at > 0 { "; " }
            @if epoch.epoch == training.best_epoch { b { (told) } } @else { (told) }
        }
        @if training.refitted { ". Then " (training.best_epoch) " epochs on all events" }
    }
}

fn settings(inner: &Inner) -> Markup {
    let config = &inner.config;
    html! {
        dl.facts {
            dt { "Listening on" }
            dd { (inner.address()) @if config.allow_remote { " " span.pill.warn { "open to the network" } } }
            dt { "Flush" } dd { "every " (config.flush_seconds) " s, or at " (number(config.flush_records)) " records" }
            dt { "Buffer" } dd { (number(config.buffer_records)) " records" }
            dt { "At once" }
            dd { (config.places()) " recommendations, " (config.waiting) " waiting up to " (config.wait_ms) " ms" }
            dt { "New model versions" } dd { "looked for every " (config.poll_ms) " ms" @if config.follow { "; deltas are followed" } }
            dt { "Feedback" } dd { code { (serde_json::to_string(&inner.feedback).unwrap_or_default()) } }
        }
    }
}

/// The beginning of a checksum.
fn short(checksum: &str) -> String {
    checksum.chars().take(12).collect()
}
