//! Where kernels run.
/// Which kernels compute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Device {
    /// Plain loops: the truth that the others are compared with, and slow.
    Reference,
    /// The processor, all threads of the current rayon pool.
    #[default]
    Cpu,
    /// A CUDA device; not part of this build.
    Cuda,
}
