//! Runs of records that lie near each other, moved in one piece; aligned where access is direct.

use data::{DIRECT_BYTES, RandomFile};

/// Records whose gap is at most this are read together: copying it is cheaper than asking again.
const GAP_BYTES: u64 = 1024;
/// What is moved in one piece at most, about.
const RUN_BYTES: u64 = 1 << 16;
/// Bytes of the buffer of each thread.
const BUFFER_BYTES: usize = RUN_BYTES as usize + 4 * DIRECT_BYTES;

/// A record: where it begins in the file, and its number in the request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spot {
    pub(super) at: u64,
    pub(super) number: usize,
}

/// Memory that a direct access may use.
pub(super) struct Buffer {
    bytes: Vec<u8>,
    from: usize,
}

impl Buffer {
    pub(super) fn new(record: usize) -> Buffer {
        // A record may be longer than a run.
        let bytes = vec![0u8; BUFFER_BYTES + record.next_multiple_of(DIRECT_BYTES)];
        let from = bytes.as_ptr().addr().next_multiple_of(DIRECT_BYTES) - bytes.as_ptr().addr();
        Buffer { bytes, from }
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes.capacity()
    }

    fn part(&mut self, bytes: usize) -> &mut [u8] {
        &mut self.bytes[self.from..self.from + bytes]
    }
}

/// How a file is moved.
#[derive(Clone, Copy)]
pub(super) struct Moving<'a> {
    pub(super) file: &'a dyn RandomFile,
    pub(super) record: usize,
    pub(super) direct: bool,
}

impl Moving<'_> {
    /// Cuts spots, in order of place, into runs.
    pub(super) fn runs<'s>(&self, spots: &'s [Spot], writing: bool) -> Vec<&'s [Spot]> {
        let record = self.record as u64;
        let mut runs = Vec::new();
        let mut from = 0;
        for at in 1..=spots.len() {
            let end = at == spots.len() || {
                let (last, next) = (spots[at - 1].at, spots[at].at);
                let apart = match (self.direct, writing) {
                    // Blocks that are read, and perhaps written, belong to one run.
                    (true, _) => {
                        (last + record - 1) / DIRECT_BYTES as u64 != next / DIRECT_BYTES as u64
                    }
                    (false, true) => next != last + record,
                    (false, false) => next > last + record + GAP_BYTES,
                };
                let long = next + record - spots[from].at > RUN_BYTES;
                apart || long
            };
            if end {
                runs.push(&spots[from..at]);
                from = at;
            }
        }
        runs
    }

    /// First byte and length of a run.
    fn span(&self, run: &[Spot]) -> (u64, usize) {
        let (begin, end) = (run[0].at, run[run.len() - 1].at + self.record as u64);
        match self.direct {
            false => (begin, (end - begin) as usize),
            true => {
                let block = DIRECT_BYTES as u64;
                let begin = begin / block * block;
                (begin, (end.next_multiple_of(block) - begin) as usize)
            }
        }
    }

    /// Reads a run, and gives each record away.
    pub(super) fn read(
        &self,
        run: &[Spot],
        buffer: &mut Buffer,
        mut take: impl FnMut(usize, &[u8]),
    ) -> std::io::Result<()> {
        let (begin, bytes) = self.span(run);
        let bytes = buffer.part(bytes);
        self.file.read_at(bytes, begin)?;
        for spot in run {
            let from = (spot.at - begin) as usize;
            take(spot.number, &bytes[from..from + self.record]);
        }
        Ok(())
    }

    /// Writes a run of records that `make` makes.
    pub(super) fn write(
        &self,
        run: &[Spot],
        buffer: &mut Buffer,
        mut make: impl FnMut(usize, &mut [u8]),
    ) -> std::io::Result<()> {
        let (begin, bytes) = self.span(run);
        let bytes = buffer.part(bytes);
        if self.direct {
            self.file.read_at(bytes, begin)?;
        }
        for spot in run {
            let from = (spot.at - begin) as usize;
            make(spot.number, &mut bytes[from..from + self.record]);
        }
        self.file.write_at(bytes, begin)
    }

    /// Whether two runs, one after the other, have a block in common: a thread that writes one must
    /// write the other.
    pub(super) fn share(&self, one: &[Spot], other: &[Spot]) -> bool {
        let last = one[one.len() - 1].at + self.record as u64 - 1;
        self.direct && last / DIRECT_BYTES as u64 == other[0].at / DIRECT_BYTES as u64
    }
}
