//! Our side of `bench/compare step-sasrec`, `epoch-sasrec-ml1m`, `step-hstu` and
//! `epoch-hstu-ml1m`: a process that does one measured unit a line read. A `config.json` with a
//! `weighting` is of HSTU.
//!
//! `bench_step step FOLDER leaf|dense` takes one step on one batch a `run`, `bench_step epoch
//! FOLDER` one epoch; `check` prints the losses so far, and `gemm` times the matrix products of a
//! step by themselves. FOLDER holds `config.json`,
//! `weights.safetensors` and `batch.safetensors` or `epoch.safetensors`, as the comparison's
//! docstring says.

use std::error::Error;
use std::io::{BufRead, Write};
use std::path::Path;
use std::time::Instant;

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use models::{
    BlockKind, HstuConfig, Positions, Rows, SasRecConfig, SequenceModel, SequenceModelConfig,
};
use safetensors::{Dtype, SafeTensors};
use serde_json::{Value, json};
use tensor::{
    Contrast, Counted, Device, Meter, Negatives, Offsets, SampledLoss, Tape, Tensor, Workspace,
};
use train::optim::{Adam, AdamConfig, LazyAdam};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["step", folder, how @ ("leaf" | "dense")] => step(Path::new(folder), how == "leaf"),
        ["epoch", folder] => epoch(Path::new(folder)),
        _ => Err("bench_step step FOLDER leaf|dense | bench_step epoch FOLDER".into()),
    }
}

/// A model, its items, and what moves them.
struct Training {
    model: SequenceModel,
    /// What scores are multiplied by.
    scale: f32,
    items: Tensor,
    adams: Vec<Adam>,
    /// Of the whole table, or of the rows that a step touches.
    table: Table,
    workspace: Workspace,
    rate: f32,
    losses: Vec<f64>,
}

enum Table {
    Dense(Adam),
    Leaf { adam: LazyAdam, mark: Vec<u32>, rows: Vec<u32>, values: Vec<f32> },
}

/// Whole histories and what comes next.
struct Batch {
    offsets: Offsets,
    positions: Vec<u32>,
    inputs: Vec<u32>,
    targets: Vec<u32>,
    /// One list for all tokens, or as many as there are tokens.
    negatives: Vec<u32>,
    per_token: Option<usize>,
    /// For HSTU alone, in seconds.
    happened_at: Vec<i64>,
    asked_at: Vec<i64>,
}

/// What `config.json` says of the model.
fn shape(config: &Value) -> Result<SequenceModelConfig> {
    let number = |name: &str| -> Result<f64> {
        config[name].as_f64().ok_or_else(|| format!("config.json: no {name}").into())
    };
    let count = |name: &str| -> Result<u32> { Ok(number(name)? as u32) };
    if config["weighting"].is_string() {
        return Ok(SequenceModelConfig::Hstu(HstuConfig {
            dim: count("dim")?,
            blocks: count("blocks")?,
            heads: count("heads")?,
            query_width: count("query_width")?,
            value_width: count("value_width")?,
            length_max: count("length_max")?,
            score_length: count("score_length")?,
            positions: Positions::FromStart,
            dropout: 0.0,
            norm_eps: number("norm_epsilon")? as f32,
            ..HstuConfig::default()
        }));
    }
    Ok(SequenceModelConfig::SasRec(SasRecConfig {
        block: BlockKind::PreNorm,
        dim: count("dim")?,
        blocks: count("blocks")?,
        heads: count("heads")?,
        hidden: count("hidden")?,
        length_max: count("length_max")?,
        positions: Positions::FromStart,
        cosine: false,
        dropout: 0.0,
        dropout_hidden: 0.0,
        dropout_attention: 0.0,
        scale_embedding: false,
        norm_eps: number("norm_epsilon")? as f32,
    }))
}

/// The weights of the file, under our names: HSTU's columns U | V, Q, K are one matrix there and
/// two here.
fn weights(model: &mut SequenceModel, items: &mut Tensor, bytes: &[u8]) -> Result<()> {
    let file = SafeTensors::deserialize(bytes)?;
    let numbers = |name: &str| -> Result<Vec<f32>> {
        let words = file.tensor(name)?.data().chunks_exact(4);
        Ok(words.map(|word| f32::from_le_bytes([word[0], word[1], word[2], word[3]])).collect())
    };
    let names: Vec<_> =
        model.parameters().iter().map(|(id, name, _)| (id, name.to_owned())).collect();
    let hstu = matches!(model, SequenceModel::Hstu(_));
    for (id, name) in names {
        let gate = name.strip_suffix(".gate.weight").filter(|_| hstu);
        let stored = gate.map_or(name.clone(), |block| format!("{block}.input.weight"));
        let mut values = numbers(&stored)?;
        let to = model.parameters_mut().get_mut(id);
        if hstu && stored.ends_with(".input.weight") {
            let (rows, width) = (to.rows(), to.width());
            let all = values.len() / rows;
            let from = if gate.is_some() { 0 } else { all - width };
            let rows =
                values.chunks_exact(all).flat_map(|row| row[from..from + width].to_vec());
            values = rows.collect();
        }
        if values.len() != to.values().len() {
            return Err(format!("{stored} has {} numbers", values.len()).into());
        }
        to.values_mut().copy_from_slice(&values);
    }
    items.values_mut().copy_from_slice(&numbers("items")?);
    Ok(())
}

impl Training {
    fn load(folder: &Path, leaf: bool) -> Result<Training> {
        let config: Value =
            serde_json::from_slice(&std::fs::read(folder.join("config.json"))?)?;
        let number = |name: &str| -> Result<f64> {
            config[name].as_f64().ok_or_else(|| format!("config.json: no {name}").into())
        };
        let shape = shape(&config)?;
        let mut model = SequenceModel::init(&shape, 1)?;
        let mut items = SequenceModel::init_items(&shape, number("items")? as u32, 1);
        weights(&mut model, &mut items, &std::fs::read(folder.join("weights.safetensors"))?)?;
        let betas = |at: usize| config["betas"][at].as_f64().ok_or("config.json: no betas");
        let adam = AdamConfig {
            beta_1: betas(0)?,
            beta_2: betas(1)?,
            eps: number("epsilon")?,
            ..AdamConfig::default()
        };
        let adams = model
            .parameters()
            .iter()
            .map(|(_, _, tensor)| Adam::new(adam, tensor.values().len()))
            .collect::<std::result::Result<Vec<_>, _>>()?;
        let table = if leaf {
            Table::Leaf {
                adam: LazyAdam::new(adam, items.rows(), items.width())?,
                mark: vec![u32::MAX; items.rows()],
                rows: Vec::new(),
                values: Vec::new(),
            }
        } else {
            Table::Dense(Adam::new(adam, items.values().len())?)
        };
        let mut workspace = Workspace::new(Device::Cpu);
        workspace.meter = Meter::with_clock(nanos);
        let rate = number("learning_rate")? as f32;
        let scale = config["temperature"].as_f64().map_or(1.0, |value| 1.0 / value as f32);
        Ok(Training { model, scale, items, adams, table, workspace, rate, losses: Vec::new() })
    }

    fn step(&mut self, batch: &Batch) -> Result<f64> {
        let dim = self.items.width();
        let (inputs, targets, negatives);
        let values = match &mut self.table {
            Table::Dense(_) => {
                (inputs, targets, negatives) =
                    (batch.inputs.clone(), batch.targets.clone(), batch.negatives.clone());
                self.items.values()
            }
            Table::Leaf { mark, rows, values, .. } => {
                rows.clear();
                for row in batch.inputs.iter().chain(&batch.targets).chain(&batch.negatives) {
                    if mark[*row as usize] == u32::MAX {
                        mark[*row as usize] = 0;
                        rows.push(*row);
                    }
                }
                rows.sort_unstable();
                values.clear();
                for (place, row) in rows.iter().enumerate() {
                    mark[*row as usize] = place as u32;
                    values.extend_from_slice(self.items.row(*row as usize));
                }
                let places = |list: &[u32]| -> Vec<u32> {
                    list.iter().map(|row| mark[*row as usize]).collect()
                };
                (inputs, targets, negatives) =
                    (places(&batch.inputs), places(&batch.targets), places(&batch.negatives));
                for row in rows.iter() {
                    mark[*row as usize] = u32::MAX;
                }
                &values[..]
            }
        };
        let mut tape = Tape::training(
            self.model.parameters(),
            &mut self.workspace,
            self.losses.len() as u64,
        );
        let rows = tape.leaf(values, dim)?;
        let given = Rows {
            index: &inputs,
            positions: &batch.positions,
            offsets: &batch.offsets,
            happened_at: &batch.happened_at,
            asked_at: &batch.asked_at,
        };
        let hidden = self.model.forward(&mut tape, rows, given)?;
        let scored = self.model.scored(&mut tape, rows)?;
        let negatives = match batch.per_token {
            Some(count) => Negatives::PerToken { items: &negatives, count },
            None => Negatives::Shared { items: &negatives },
        };
        let loss = tape.sampled_loss(
            hidden,
            scored,
            &SampledLoss {
                positives: &targets,
                negatives,
                negative_log_q: None,
                positive_log_q: None,
                contrast: Contrast::Softmax,
                scale: self.scale,
            },
        )?;
        let value = f64::from(tape.value(loss)[0]);
        let gradients = tape.backward(loss)?;
        let ids: Vec<_> = self.model.parameters().iter().map(|(id, _, _)| id).collect();
        for (id, adam) in ids.into_iter().zip(&mut self.adams) {
            let gradient = gradients.of(id).ok_or("a parameter without a gradient")?;
            adam.step(
                self.model.parameters_mut().get_mut(id).values_mut(),
                gradient,
                self.rate,
            );
        }
        let gradient = gradients.leaf(rows).ok_or("items without a gradient")?;
        match &mut self.table {
            Table::Dense(adam) => adam.step(self.items.values_mut(), gradient, self.rate),
            Table::Leaf { adam, rows, .. } => {
                adam.step(self.items.values_mut(), rows, gradient, self.rate)?;
            }
        }
        gradients.recycle(&mut self.workspace.buffers);
        Ok(value)
    }

    /// What the meter counted in a unit of `seconds`.
    fn facts(&self, seconds: f64) -> Value {
        let Counted { flops, product_flops, product_nanos } = self.workspace.meter.take();
        let threads = rayon::current_num_threads() as f64;
        json!({
            "gflops": flops as f64 / seconds / 1e9,
            "gemm_seconds": product_nanos as f64 / threads / 1e9,
            "gemm_gflops": product_flops as f64 / (product_nanos as f64 / threads).max(1.0),
        })
    }
}

fn step(folder: &Path, leaf: bool) -> Result<()> {
    let mut training = Training::load(folder, leaf)?;
    let bytes = std::fs::read(folder.join("batch.safetensors"))?;
    let file = SafeTensors::deserialize(&bytes)?;
    let offsets = Offsets::new(signed(&file, "offsets")?)?;
    let mut positions = Vec::new();
    Positions::FromStart.places(&offsets, &mut positions);
    let batch = Batch {
        offsets,
        positions,
        inputs: rows(&file, "inputs")?,
        targets: rows(&file, "targets")?,
        negatives: rows(&file, "negatives")?,
        per_token: None,
        happened_at: times(&file, "happened_at")?,
        asked_at: times(&file, "asked_at")?,
    };
    let products = Products::of(&training, &batch);
    answer(&json!({"ready": true, "facts": {"tokens": batch.inputs.len()}}))?;
    serve(|asked| {
        match asked {
            "run" => {}
            "gemm" if products.is_none() => return Err("no products of HSTU alone".into()),
            "gemm" => {
                return Ok(
                    json!({"seconds": products.as_ref().map(Products::seconds), "facts": {}}),
                );
            }
            _ => return Ok(json!({"check": training.losses})),
        }
        let begin = now();
        let loss = training.step(&batch)?;
        let seconds = begin.elapsed().as_secs_f64();
        training.losses.push(loss);
        Ok(json!({"seconds": seconds, "facts": training.facts(seconds)}))
    })
}

/// The matrix products of one step by themselves, each on whole matrices by faer with all
/// threads: what the machine gives for these shapes.
struct Products {
    /// Times, m, n, k: `[m, k] × [k, n]`.
    shapes: Vec<(usize, usize, usize, usize)>,
    left: Vec<f32>,
    right: Vec<f32>,
    out: std::cell::RefCell<Vec<f32>>,
}

impl Products {
    fn of(training: &Training, batch: &Batch) -> Option<Products> {
        let SequenceModelConfig::SasRec(config) = training.model.config() else { return None };
        let (dim, hidden) = (config.dim as usize, config.hidden as usize);
        let (tokens, negatives) = (batch.inputs.len(), batch.negatives.len());
        let mut shapes = Vec::new();
        let layers = [(dim, 3 * dim), (dim, dim), (dim, hidden), (hidden, dim)];
        let layers = layers.map(|layer| (config.blocks as usize, layer));
        // The scores are a layer as well: hidden states in, one column a negative out.
        for (times, (input, output)) in layers.into_iter().chain([(1, (dim, negatives))]) {
            shapes.push((times, tokens, output, input)); // y = x W
            shapes.push((times, tokens, input, output)); // dx = dy Wᵀ
            shapes.push((times, input, output, tokens)); // dW = xᵀ dy
        }
        let most = |size: fn(&(usize, usize, usize, usize)) -> usize| {
            shapes.iter().map(size).max().unwrap_or(0)
        };
        let number = |at: usize| (at % 127) as f32 / 127.0 - 0.5;
        Some(Products {
            left: (0..most(|(_, m, _, k)| m * k)).map(number).collect(),
            right: (0..most(|(_, _, n, k)| n * k)).map(number).collect(),
            out: vec![0.0; most(|(_, m, n, _)| m * n)].into(),
            shapes,
        })
    }

    fn seconds(&self) -> f64 {
        let mut out = self.out.borrow_mut();
        let mut seconds = 0.0;
        for (times, m, n, k) in &self.shapes {
            let (m, n, k) = (*m, *n, *k);
            // The long side of dW's operands is their rows: there both are read transposed.
            let left = if k > m {
                MatRef::from_row_major_slice(&self.left[..m * k], k, m).transpose()
            } else {
                MatRef::from_row_major_slice(&self.left[..m * k], m, k)
            };
            let right = MatRef::from_row_major_slice(&self.right[..n * k], k, n);
            let mut best = f64::INFINITY;
            for _ in 0..3 {
                let out = MatMut::from_row_major_slice_mut(&mut out[..m * n], m, n);
                let begin = now();
                matmul(out, Accum::Replace, left, right, 1.0, Par::rayon(0));
                best = best.min(begin.elapsed().as_secs_f64());
            }
            seconds += *times as f64 * best;
        }
        seconds
    }
}

fn epoch(folder: &Path) -> Result<()> {
    let mut training = Training::load(folder, false)?;
    let config: Value = serde_json::from_slice(&std::fs::read(folder.join("config.json"))?)?;
    let rows_a_batch = config["rows"].as_u64().ok_or("config.json: no rows")? as usize;
    let bytes = std::fs::read(folder.join("epoch.safetensors"))?;
    let file = SafeTensors::deserialize(&bytes)?;
    let offsets = Offsets::new(signed(&file, "offsets")?)?;
    let (inputs, targets) = (rows(&file, "inputs")?, rows(&file, "targets")?);
    let negatives = rows(&file, "negatives")?;
    let (happened_at, asked_at) = (times(&file, "happened_at")?, times(&file, "asked_at")?);
    // HSTU draws for each token: token t of a batch has list t, in every batch.
    let count = config["negatives"].as_u64().ok_or("config.json: no negatives")? as usize;
    let per_token = config["weighting"].is_string().then_some(count);
    let steps = offsets.rows().div_ceil(rows_a_batch);
    let batches = (0..steps)
        .map(|step| {
            let of = step * rows_a_batch..((step + 1) * rows_a_batch).min(offsets.rows());
            let lengths: Vec<usize> = of.clone().map(|row| offsets.length(row)).collect();
            let tokens = offsets.range(of.start).start..offsets.range(of.end - 1).end;
            let offsets = Offsets::from_lengths(&lengths)?;
            let mut positions = Vec::new();
            Positions::FromStart.places(&offsets, &mut positions);
            let negatives = match per_token {
                Some(count) => negatives[..tokens.len() * count].to_vec(),
                None => negatives[step * count..(step + 1) * count].to_vec(),
            };
            let times = |all: &[i64]| all.get(tokens.clone()).unwrap_or_default().to_vec();
            Ok(Batch {
                offsets,
                positions,
                inputs: inputs[tokens.clone()].to_vec(),
                targets: targets[tokens.clone()].to_vec(),
                happened_at: times(&happened_at),
                asked_at: times(&asked_at),
                negatives,
                per_token,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    answer(&json!({"ready": true, "facts": {"tokens": inputs.len(), "steps": steps}}))?;
    serve(|asked| {
        if asked != "run" {
            return Ok(json!({"check": training.losses}));
        }
        let begin = now();
        let mut sum = 0.0;
        for batch in &batches {
            sum += training.step(batch)?;
        }
        let seconds = begin.elapsed().as_secs_f64();
        training.losses.push(sum / batches.len() as f64);
        Ok(json!({"seconds": seconds, "facts": training.facts(seconds)}))
    })
}

fn signed(file: &SafeTensors<'_>, name: &str) -> Result<Vec<i32>> {
    let view = file.tensor(name)?;
    if view.dtype() != Dtype::I32 {
        return Err(format!("{name} is {}, not I32", view.dtype()).into());
    }
    let words = view.data().chunks_exact(4);
    Ok(words.map(|word| i32::from_le_bytes([word[0], word[1], word[2], word[3]])).collect())
}

fn rows(file: &SafeTensors<'_>, name: &str) -> Result<Vec<u32>> {
    Ok(signed(file, name)?
        .into_iter()
        .map(u32::try_from)
        .collect::<std::result::Result<_, _>>()?)
}

/// Times in seconds; none where the file has none.
fn times(file: &SafeTensors<'_>, name: &str) -> Result<Vec<i64>> {
    let Ok(view) = file.tensor(name) else { return Ok(Vec::new()) };
    let (words, _) = view.data().as_chunks::<8>();
    Ok(words.iter().map(|word| i64::from_le_bytes(*word)).collect())
}

/// Answers one line with one line until `quit` or the end.
fn serve(mut work: impl FnMut(&str) -> Result<Value>) -> Result<()> {
    for line in std::io::stdin().lock().lines() {
        match line?.trim() {
            "quit" => break,
            asked => answer(&work(asked)?)?,
        }
    }
    Ok(())
}

fn answer(value: &Value) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{value}")?;
    out.flush()
}

#[allow(clippy::disallowed_methods, reason = "a benchmark is made of real time")]
fn now() -> Instant {
    Instant::now()
}

fn nanos() -> u64 {
    static BEGIN: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    BEGIN.get_or_init(now).elapsed().as_nanos() as u64
}
