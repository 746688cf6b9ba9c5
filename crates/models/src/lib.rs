//! Blocks and models: parameters and a forward pass.
