//! Ids of one feature, bag by bag.

use data::KeyedJagged;

use crate::{Error, Result};

/// Bags of ids, one a sample, in the form of offsets and values.
#[derive(Debug, Clone, Copy)]
pub struct Bags<'a> {
    offsets: &'a [i32],
    ids: &'a [u64],
    weights: Option<&'a [f32]>,
    /// Place of the first of `ids` among all values.
    first: usize,
}

impl<'a> Bags<'a> {
    /// Bag b is `ids[offsets[b]..offsets[b + 1]]`.
    ///
    /// # Errors
    /// Where the offsets do not begin at 0, fall, or do not end with the ids.
    pub fn new(offsets: &'a [i32], ids: &'a [u64]) -> Result<Bags<'a>> {
        let whole = offsets.first() == Some(&0)
            && offsets.last().is_some_and(|last| usize::try_from(*last) == Ok(ids.len()));
        if !whole || !offsets.is_sorted() {
            let what = format!("they do not cut {} ids into bags", ids.len());
            return Err(Error::Setting { field: "offsets", what });
        }
        Ok(Bags { offsets, ids, first: 0, weights: None })
    }

    /// The cells of feature number `key`, from its first sample to its last.
    ///
    /// # Panics
    /// Where there is no such feature.
    pub fn of(features: &'a KeyedJagged<u64>, key: usize) -> Bags<'a> {
        assert!(key < features.keys().len(), "feature {key} of {}", features.keys().len());
        let samples = features.samples();
        let offsets = &features.cells().offsets()[key * samples..=(key + 1) * samples];
        Bags { offsets, ids: features.cells().values(), weights: None, first: 0 }
    }

    /// With a weight for each of the feature's ids, aligned with all values of all features.
    ///
    /// # Errors
    /// Where there is not one an id, or one is not finite.
    pub fn weighted(self, weights: &'a [f32]) -> Result<Bags<'a>> {
        let what = match weights.iter().position(|weight| !weight.is_finite()) {
            Some(at) => format!("weight {at} is {}", weights[at]),
            None if weights.len() != self.ids.len() => {
                format!("{} for {} ids", weights.len(), self.ids.len())
            }
            None => return Ok(Bags { weights: Some(weights), ..self }),
        };
        Err(Error::Setting { field: "weights", what })
    }

    /// The same bags of other ids, of which there are as many as of its own.
    pub(crate) fn placed<'b>(&self, ids: &'b [u64]) -> Bags<'b>
    where
        'a: 'b,
    {
        let whole = self.whole();
        debug_assert_eq!(ids.len(), whole.len(), "an id for an id");
        Bags { offsets: self.offsets, ids, weights: self.weights, first: whole.start }
    }

    /// Where each bag begins, and where the last one ends.
    pub(crate) fn offsets(&self) -> &'a [i32] {
        self.offsets
    }

    /// Bags.
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where the ids of a bag lie.
    #[inline(always)]
    pub(crate) fn range(&self, bag: usize) -> std::ops::Range<usize> {
        self.offsets[bag] as usize..self.offsets[bag + 1] as usize
    }

    /// Where all of the feature's ids lie.
    pub(crate) fn whole(&self) -> std::ops::Range<usize> {
        self.offsets[0] as usize..self.offsets[self.len()] as usize
    }

    pub(crate) fn ids(&self) -> &'a [u64] {
        let whole = self.whole();
        &self.ids[whole.start - self.first..whole.end - self.first]
    }

    /// The ids of bags that follow one another, one at least.
    #[inline(always)]
    pub(crate) fn ids_of(&self, bags: &std::ops::Range<usize>) -> &'a [u64] {
        let (begin, end) = (self.offsets[bags.start] as usize, self.offsets[bags.end] as usize);
        &self.ids[begin - self.first..end - self.first]
    }

    /// The id at a place among all values.
    #[inline(always)]
    pub(crate) fn id(&self, place: usize) -> u64 {
        self.ids[place - self.first]
    }

    /// Weights of the ids of a bag, where they have any.
    #[inline(always)]
    pub(crate) fn weights_of(&self, bag: usize) -> Option<&'a [f32]> {
        self.weights.map(|weights| &weights[self.range(bag)])
    }

    /// Weight of the id at a place among all values.
    #[inline(always)]
    pub(crate) fn weight(&self, place: usize) -> f32 {
        self.weights.map_or(1.0, |weights| weights[place])
    }
}
