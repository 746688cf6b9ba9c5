//! Numbers as people read them.

/// `1234567` as `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes as `4.87 GiB`, or MiB below a tenth of one.
pub fn bytes_in_words(bytes: u64) -> String {
    let mib = bytes as f64 / f64::from(1 << 20);
    match mib < 102.4 {
        true => format!("{mib:.1} MiB"),
        false => format!("{:.2} GiB", mib / 1024.0),
    }
}

#[cfg(test)]
mod tests {
    use super::{bytes_in_words, grouped};

    #[test]
    fn digits_are_grouped_by_three() {
        let shown = [0, 7, 999, 1000, 100_836, 1_234_567].map(grouped);
        assert_eq!(shown, ["0", "7", "999", "1,000", "100,836", "1,234,567"]);
    }

    #[test]
    fn bytes_are_said_in_the_unit_that_fits() {
        assert_eq!(bytes_in_words(3 << 19), "1.5 MiB");
        assert_eq!(bytes_in_words(5 << 30), "5.00 GiB");
    }
}
