//! The edge: ids, values, times.

use data::{check, format_ms, parse_ms};

#[test]
fn ids_are_taken_as_they_are_or_not_at_all() {
    for good in ["1", "é", "a b", &"x".repeat(256), "\u{202e}rtl", "e\u{301}"] {
        assert_eq!(check::id("item", good), Ok(()), "{good:?}");
    }
    for (bad, why) in [
        ("", "item is empty"),
        ("a\0b", "control"),
        ("a\nb", "control"),
        ("\u{85}x", "control"),
        ("é\u{7f}", "control"),
        (&"x".repeat(257), "257 bytes"),
    ] {
        let error = check::id("item", bad).unwrap_err();
        assert!(error.contains(why), "{bad:?}: {error}");
    }
}

#[test]
fn values_that_f32_cannot_hold_are_named() {
    assert_eq!(check::value("value", 4.5), Ok(4.5));
    assert_eq!(check::value("value", -0.0).map(f32::is_sign_negative), Ok(true));
    assert!(check::value("value", 1e39).unwrap_err().contains("32 bits"));
    assert!(check::value("value", f64::NAN).unwrap_err().contains("finite"));
    assert!(check::value("value", f64::NEG_INFINITY).unwrap_err().contains("finite"));
}

#[test]
fn times_have_units_and_bounds() {
    let expected = Some(1_537_799_250_000);
    for text in ["1537799250", "1537799250000", "2018-09-24T14:27:30Z", "2018-09-24T14:27:30"] {
        assert_eq!(parse_ms(text), expected, "{text}");
    }
    assert_eq!(parse_ms("2018-09-24"), Some(1_537_747_200_000));
    assert_eq!(format_ms(1_537_799_250_000), "2018-09-24T14:27:30Z");
    for bad in ["", "yesterday", "2018-13-01", "NaN", "9223372036854775808"] {
        assert_eq!(parse_ms(bad), None, "{bad}");
    }
    assert!(check::time_ms("time", 0).is_err());
    assert!(check::time_ms("time", i64::MAX).is_err());
    assert!(check::time_ms("time", 1_537_799_250_000).is_ok());
}
