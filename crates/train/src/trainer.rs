//! One step: negatives, forward, loss, backward, update. The state of a run between two steps.

use models::SasRec;
use tensor::{
    Contrast, Device, Gradients, Negatives as Lists, Offsets, ParameterId, Rows as _, SampledLoss,
    Tape, Tensor, Var, Workspace,
};

use crate::config::{ItemUpdates, Loss, SequenceConfig};
use crate::example::Examples;
use crate::optim::{clip, norm};
use crate::sample::{Interacted, Layout, Negatives, Sampled, Sampler, Targets};
use crate::touched::Touched;
use crate::updater::Updater;
use crate::{Error, LogQ, Result, gbce_beta};
