//! Memory of this process and of the machine, as Linux tells it. Elsewhere nothing is known.

/// What the process has at most had in memory since [`Peak::begin`].
pub(crate) struct Peak {
    /// Resident when it began, in bytes.
    before: u64,
    /// The peak until then, where it could not be forgotten.
    stale: u64,
}

impl Peak {
    /// Forgets the peak so far; none where the system does not tell.
    pub(crate) fn begin() -> Option<Peak> {
        // 5 sets the peak to what is resident now; a system may forbid it.
        let _ = std::fs::write("/proc/self/clear_refs", "5");
        let (before, peak) = (own("VmRSS")?, own("VmHWM")?);
        // What is freed late may leave a reset peak a little above.
        let stale = if peak > before + before / 8 { peak } else { 0 };
        Some(Peak { before, stale })
    }

    /// Bytes by which the peak has passed what was resident at the beginning; none where an
    /// earlier peak hides it.
    pub(crate) fn bytes(&self) -> Option<u64> {
        let peak = own("VmHWM")?;
        (peak > self.stale).then(|| peak.saturating_sub(self.before))
    }
}

/// What the process has at most ever had in memory, MiB; 0 where the system does not tell.
pub(crate) fn peak_mib() -> f64 {
    own("VmHWM").unwrap_or(0) as f64 / f64::from(1 << 20)
}

/// Bytes that the machine could give without pushing anything out.
pub(crate) fn available() -> Option<u64> {
    bytes_of(&std::fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable")
}

fn own(field: &str) -> Option<u64> {
    bytes_of(&std::fs::read_to_string("/proc/self/status").ok()?, field)
}

/// The line `field:   123 kB` in bytes.
fn bytes_of(text: &str, field: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    let kib: u64 = rest.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_read_by_its_whole_name() {
        let text = "Name:\tx\nVmHWMx:\t 9 kB\nVmHWM:\t    1536 kB\nVmRSS:\t 7 pages\n";
        assert_eq!(bytes_of(text, "VmHWM"), Some(1536 * 1024));
        assert_eq!(bytes_of(text, "VmRSS"), None);
        assert_eq!(bytes_of(text, "VmPeak"), None);
    }

    #[test]
    fn what_is_touched_is_counted() {
        let Some(peak) = Peak::begin() else { return };
        let touched = vec![1u8; 64 << 20];
        let bytes = peak.bytes();
        // Other tests run beside it, and give memory back: half of it is seen whatever they do.
        assert!(bytes.is_none_or(|bytes| bytes >= 32 << 20), "{bytes:?}");
        std::hint::black_box(&touched);
    }
}
