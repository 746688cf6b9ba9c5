//! Our side of `bench/compare attention`: jagged causal attention, forward and backward, one a
//! `run`.
//!
//! `bench_attention FOLDER N` reads `config.json` and `attention.safetensors`, as the comparison's
//! docstring says; `check` prints sums over the output and over each input's gradient.

use std::error::Error;
use std::io::{BufRead, Write};
use std::path::Path;
use std::time::Instant;

use safetensors::{Dtype, SafeTensors};
use serde_json::{Value, json};
use tensor::{Device, Offsets, Parameters, Qkv, Tape, Workspace};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

struct Arrays {
    heads: usize,
    width: usize,
    offsets: Offsets,
    /// Queries, keys and values side by side, `[tokens, 3 × width]`.
    packed: Vec<f32>,
    /// Gradient of the output, `[tokens, width]`.
    gradient: Vec<f32>,
}

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [folder, _] = &args[..] else { return Err("bench_attention FOLDER N".into()) };
    let arrays = read(Path::new(folder))?;
    let (parameters, mut workspace) = (Parameters::new(), Workspace::new(Device::Cpu));
    let facts = json!({"tokens": arrays.offsets.total()});
    answer(&json!({"ready": true, "facts": facts}))?;
    for line in std::io::stdin().lock().lines() {
        match line?.trim() {
            "quit" => break,
            "run" => {
                let begin = now();
                attend(&arrays, &parameters, &mut workspace, &mut |_, _| {})?;
                let seconds = begin.elapsed().as_secs_f64();
                let mebibytes = workspace.buffers.bytes() as f64 / f64::from(1 << 20);
                answer(&json!({"seconds": seconds, "facts": {"buffers_mib": mebibytes}}))?;
            }
            _ => {
                let mut sums = Value::Null;
                attend(&arrays, &parameters, &mut workspace, &mut |out, dpacked| {
                    sums = check(&arrays, out, dpacked);
                })?;
                answer(&json!({"check": sums}))?;
            }
        }
    }
    Ok(())
}

/// One forward and backward pass; `look` sees the output and the gradient of the input.
fn attend(
    arrays: &Arrays,
    parameters: &Parameters,
    workspace: &mut Workspace,
    look: &mut dyn FnMut(&[f32], &[f32]),
) -> Result<()> {
    let mut tape = Tape::training(parameters, workspace, 1);
    let packed = tape.leaf(&arrays.packed, 3 * arrays.width)?;
    let out = tape.attention(Qkv::Packed(packed), arrays.heads, &arrays.offsets, 0.0)?;
    let sum = tape.weighted_sum(out, &arrays.gradient)?;
    let out = tape.value(out).to_vec();
    let gradients = tape.backward(sum)?;
    look(&out, gradients.leaf(packed).ok_or("no gradient")?);
    gradients.recycle(&mut workspace.buffers);
    Ok(())
}

fn read(folder: &Path) -> Result<Arrays> {
    let config: Value = serde_json::from_slice(&std::fs::read(folder.join("config.json"))?)?;
    let heads = config["heads"].as_u64().ok_or("config.json: no heads")? as usize;
    let bytes = std::fs::read(folder.join("attention.safetensors"))?;
    let file = SafeTensors::deserialize(&bytes)?;
    let offsets = file.tensor("offsets")?;
    if offsets.dtype() != Dtype::I32 {
        return Err("offsets are no I32".into());
    }
    let offsets = Offsets::new(words(offsets.data()).map(i32::from_le_bytes).collect())?;
    let width = file.tensor("query")?.shape()[1];
    let floats = |name: &str| -> Result<Vec<f32>> {
        let view = file.tensor(name)?;
        if view.dtype() != Dtype::F32 || view.shape() != [offsets.total(), width] {
            return Err(format!("{name} is {:?} {:?}", view.dtype(), view.shape()).into());
        }
        Ok(words(view.data()).map(f32::from_le_bytes).collect())
    };
    let sides = [floats("query")?, floats("key")?, floats("value")?];
    let mut packed = Vec::with_capacity(3 * width * offsets.total());
    for token in 0..offsets.total() {
        for side in &sides {
            packed.extend_from_slice(&side[token * width..(token + 1) * width]);
        }
    }
    let gradient = floats("gradient")?;
    Ok(Arrays { heads, width, offsets, packed, gradient })
}

fn words(bytes: &[u8]) -> impl Iterator<Item = [u8; 4]> {
    bytes.chunks_exact(4).map(|word| [word[0], word[1], word[2], word[3]])
}

/// Sum, sum of squares, and scalar product with the gradient, of each array.
fn check(arrays: &Arrays, out: &[f32], dpacked: &[f32]) -> Value {
    let sums = |values: &mut dyn Iterator<Item = f32>| {
        let mut found = [0.0f64; 3];
        for (value, gradient) in values.zip(&arrays.gradient) {
            let value = f64::from(value);
            found[0] += value;
            found[1] += value * value;
            found[2] += value * f64::from(*gradient);
        }
        json!(found)
    };
    let width = arrays.width;
    let side = |side: usize| {
        let rows = dpacked.chunks_exact(3 * width);
        sums(&mut rows.flat_map(|row| row[side * width..(side + 1) * width].iter().copied()))
    };
    json!({
        "output": sums(&mut out.iter().copied()),
        "query": side(0),
        "key": side(1),
        "value": side(2),
    })
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
