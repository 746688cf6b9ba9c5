//! Settings over settings.

use serde_json::Value;

/// Lays `over` on `under`, table by table. A table that names its `kind` is a choice of its own:
/// it replaces what was there.
pub(crate) fn overlay(under: &mut Value, over: &Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) if !over.contains_key("kind") => {
            for (key, value) in over {
                overlay(under.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (under, over) => *under = over.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_choice_of_another_kind_replaces_all_of_the_former() {
        let mut all = json!({"loss": {"kind": "a", "x": 1}, "model": {"dim": 64, "heads": 2}});
        overlay(&mut all, &json!({"loss": {"kind": "b"}, "model": {"heads": 1}}));
        assert_eq!(all, json!({"loss": {"kind": "b"}, "model": {"dim": 64, "heads": 1}}));
    }
}
