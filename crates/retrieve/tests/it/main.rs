//! Tests of crate `retrieve` through its public door.

mod kept_histories;
mod worlds;
mod popular;
mod item_knn;
mod walk;
mod sasrec;
mod promises;
mod files;
mod merge;
mod version;
