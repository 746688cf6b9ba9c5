//! First values of parameters, from a seed.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use tensor::Tensor;

/// The random stream of one parameter: its name is part of the seed, so that adding a parameter
/// leaves the others as they were.
pub(crate) fn stream(seed: u64, name: &str) -> ChaCha8Rng {
    // FNV-1a: stable for ever, which the standard hasher is not.
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    ChaCha8Rng::seed_from_u64(seed ^ hash)
}

/// Normal with this standard deviation; what lies beyond two of them is drawn again, which leaves
/// 0.88 of it. The values are those of seed and name: more rows begin with fewer.
pub fn normal(rows: usize, width: usize, deviation: f32, seed: u64, name: &str) -> Tensor {
    let mut random = stream(seed, name);
    let mut tensor = Tensor::zeros(rows, width);
    for value in tensor.values_mut() {
        *value = deviation * within_two(&mut random);
    }
    tensor
}

/// Glorot and Bengio 2010: deviation √(2 / (in + out)).
pub(crate) fn glorot(input: usize, output: usize, seed: u64, name: &str) -> Tensor {
    normal(input, output, (2.0 / (input + output) as f32).sqrt(), seed, name)
}

/// All of one value.
pub(crate) fn constant(width: usize, value: f32) -> Tensor {
    let mut tensor = Tensor::zeros(1, width);
    tensor.values_mut().fill(value);
    tensor
}

/// A standard normal number within two deviations (Box and Muller 1958).
fn within_two(random: &mut impl Rng) -> f32 {
    let mut uniform = || ((random.next_u64() >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
    loop {
        let (radius, angle) =
            ((-2.0 * uniform().ln()).sqrt(), std::f64::consts::TAU * uniform());
        let value = radius * angle.cos();
        if value.abs() <= 2.0 {
            return value as f32;
        }
    }
}
