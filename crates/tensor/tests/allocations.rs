//! What a step of a small transformer allocates once it is warm: counted by the allocator itself,
//! in a binary of its own.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop here")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

use tensor::{
    Activation, Contrast, Device, Negatives, NormKind, Offsets, ParameterId, Parameters, Qkv,
    Result, SampledLoss, Tape, Tensor, Var, Workspace,
};

static COUNT: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);

/// The system's allocator, counted.
struct Counting;

#[allow(unsafe_code, reason = "the interface of an allocator")]
// SAFETY: every call goes to the system's allocator as it is; counting touches no memory of it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::Relaxed);
        BYTES.fetch_add(layout.size() as u64, Ordering::Relaxed);
        // SAFETY: the caller keeps this trait's contract, which is that of the system's allocator.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above, and `pointer` came from `alloc`, which is the system's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const DIM: usize = 32;
const ITEMS: usize = 500;
const ROWS: usize = 16;
const LENGTH_MAX: usize = 50;
const BLOCKS: usize = 2;
/// Layers of a block with parameters: projection in and out, feed-forward up and down.
const SHAPES: [(usize, usize); 4] =
    [(DIM, 3 * DIM), (DIM, DIM), (DIM, 4 * DIM), (4 * DIM, DIM)];

struct Batch {
    offsets: Offsets,
    index: Vec<u32>,
    targets: Vec<u32>,
    negatives: Vec<u32>,
}

/// Rows of other lengths each step; the first is as long as any will be.
fn batch(step: usize) -> Batch {
    let length = |row: usize| match step {
        0 => LENGTH_MAX,
        _ => (row * 31 + step * 17) % (LENGTH_MAX + 1),
    };
    let lengths: Vec<usize> = (0..ROWS).map(length).collect();
    let offsets = Offsets::from_lengths(&lengths).unwrap();
    let draw = |salt: usize, len: usize| -> Vec<u32> {
        (0..len).map(|at| ((at * 7919 + step * 104_729 + salt) % ITEMS) as u32).collect()
    };
    let (index, targets) = (draw(1, offsets.total()), draw(2, offsets.total()));
    Batch { offsets, index, targets, negatives: draw(3, 64) }
}

fn forward<'a>(
    tape: &mut Tape<'a>,
    batch: &'a Batch,
    items: Var,
    weights: &[ParameterId],
) -> Result<Var> {
    let mut x = tape.gather(items, &batch.index, 1.0)?;
    for block in weights.chunks_exact(SHAPES.len()) {
        let [input, output, up, down] = [0, 1, 2, 3].map(|at| tape.parameter(block[at]));
        let normal = tape.norm(x, NormKind::Layer, 1e-5, None, None)?;
        let qkv = tape.linear(normal, input, None, Activation::None)?;
        let heads = tape.attention(Qkv::Packed(qkv), 2, &batch.offsets, 0.0)?;
        let branch = tape.linear(heads, output, None, Activation::None)?;
        x = tape.residual(x, branch, 0.1)?;
        let normal = tape.norm(x, NormKind::Layer, 1e-5, None, None)?;
        let hidden = tape.linear(normal, up, None, Activation::Silu)?;
        let branch = tape.linear(hidden, down, None, Activation::None)?;
        x = tape.residual(x, branch, 0.1)?;
    }
    let loss = SampledLoss {
        positives: &batch.targets,
        negatives: Negatives::Shared { items: &batch.negatives },
        negative_log_q: None,
        positive_log_q: None,
        contrast: Contrast::Softmax,
        scale: 1.0,
    };
    tape.sampled_loss(x, items, &loss)
}

#[test]
fn a_warm_step_allocates_little_and_no_buffer() {
    let numbers = |len: usize| (0..len).map(|at| (at % 19) as f32 / 60.0 - 0.15).collect();
    let mut parameters = Parameters::new();
    let mut weights = Vec::new();
    for block in 0..BLOCKS {
        for (at, (input, output)) in SHAPES.into_iter().enumerate() {
            let weight = Tensor::new(input, output, numbers(input * output)).unwrap();
            weights.push(parameters.add(format!("{block}.{at}"), weight).unwrap());
        }
    }
    let items: Vec<f32> = numbers(ITEMS * DIM);
    // One thread: what the pool's queues allocate is none of ours.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let mut workspace = Workspace::new(Device::Cpu);
    let (mut warm, mut most) = ((0, 0), (0, 0));
    for step in 0..60 {
        let batch = batch(step % 23);
        let before = (COUNT.load(Ordering::Relaxed), BYTES.load(Ordering::Relaxed));
        let loss = pool.install(|| {
            let mut tape = Tape::training(&parameters, &mut workspace, step as u64);
            let leaf = tape.leaf(&items, DIM).unwrap();
            let loss = forward(&mut tape, &batch, leaf, &weights).unwrap();
            let value = tape.value(loss)[0];
            let gradients = tape.backward(loss).unwrap();
            gradients.recycle(&mut workspace.buffers);
            value
        });
        assert!(loss.is_finite());
        let count = COUNT.load(Ordering::Relaxed) - before.0;
        let bytes = BYTES.load(Ordering::Relaxed) - before.1;
        if step == 30 {
            warm = (workspace.buffers.made(), workspace.buffers.bytes());
        }
        if step >= 30 {
            most = (most.0.max(count), most.1.max(bytes));
        }
    }
    println!("a warm step allocates {} times, {} bytes", most.0, most.1);
    let now = (workspace.buffers.made(), workspace.buffers.bytes());
    assert_eq!(now, warm, "buffers made, and their bytes, after thirty steps");
    // Counted: 401 allocations and 2.2 MiB in all, freed again. The products of this step are some
    // 300, and `gemm` packs operands in memory that it takes anew; the rest are lists of rows,
    // parts and nodes.
    assert!(most.0 <= 450, "{} allocations", most.0);
    assert!(most.1 <= 3 << 20, "{} bytes", most.1);
}
