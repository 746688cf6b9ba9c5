//! The rows that one step touches: each once, ascending, with the places where it is used.

/// Unique rows of several lists, and each list rewritten to places among them.
#[derive(Debug, Default)]
pub(crate) struct Touched {
    /// Ascending, each once.
    pub(crate) rows: Vec<u32>,
    /// By row of the table: its place among `rows`, where it was touched this time. Four bytes a
    /// row of the table, beside the hundreds of the row itself; a hash map would be smaller and
    /// several times slower.
    place: Vec<u32>,
}

impl Touched {
    /// Collects the rows of all `lists`, numbers below `count`.
    pub(crate) fn collect(&mut self, count: usize, lists: &[&[u32]]) {
        const UNTOUCHED: u32 = u32::MAX;
        self.place.resize(count, UNTOUCHED);
        self.rows.clear();
        for row in lists.iter().copied().flatten() {
            let place = &mut self.place[*row as usize];
            if *place == UNTOUCHED {
                *place = 0;
                self.rows.push(*row);
            }
        }
        self.rows.sort_unstable();
        for (place, row) in self.rows.iter().enumerate() {
            self.place[*row as usize] = place as u32;
        }
    }

    /// `list` as places among the rows.
    pub(crate) fn places(&self, list: &[u32]) -> Vec<u32> {
        list.iter().map(|row| self.place[*row as usize]).collect()
    }

    /// Forgets, in time of what was touched.
    pub(crate) fn forget(&mut self) {
        for row in &self.rows {
            self.place[*row as usize] = u32::MAX;
        }
    }
}

#[cfg(test)]
mod tests;
