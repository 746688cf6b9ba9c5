//! Batches and a model in; checkpoints out.
