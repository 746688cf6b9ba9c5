//! What papers, sweeps and scaling curves share: data sets and their splits, settings of a model, trainings that
//! go on where they were cut off, and a place where what is finished is kept.

mod dataset;
mod split_choice;
mod ground;
mod overlay;
mod model_settings;
mod store;
mod training;
mod answers;
mod machine;
mod spread;
mod frame;

pub(crate) use answers::{Warm, answers};
pub(crate) use dataset::{
    DataSet, Loaded, data_folder, fingerprint, load, load_log, must_exist,
};
pub(crate) use frame::{Frame, Label, px, sheet};
pub(crate) use ground::Ground;
pub(crate) use machine::Machine;
pub(crate) use model_settings::{ModelSettings, SEQUENCE, sequence_defaults};
pub(crate) use overlay::overlay;
pub(crate) use split_choice::SplitChoice;
pub(crate) use spread::{deviation, mean};
pub(crate) use store::Store;
pub(crate) use training::{fit, stopped};
