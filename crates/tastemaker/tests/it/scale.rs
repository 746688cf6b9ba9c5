//! `tastemaker bench scale`: a prediction beside what came, and a curve that goes on.

use super::{json, refused, tastemaker, texts};

#[test]
fn a_quick_scale_predicts_measures_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let quick = ["bench", "scale", "--quick", "--json", "--epochs", "2"];
    let first = json(dir, &quick);
    let large = &first["large"];
    assert_eq!(large["steps"].as_array().unwrap().len(), 3);
    assert_eq!(large["loss_fell"], true, "{large}");
    assert_eq!(large["ratio"]["flops"].as_f64(), Some(1.0), "{large}");
    assert!(large["gemm_gflops"].as_f64().unwrap() > 0.0, "{large}");

    let curve = &first["curve"];
    assert_eq!((&curve["leaky"], &curve["cases"]), (&true.into(), &610.into()));
    let points = curve["points"].as_array().unwrap();
    let of = |name: &str| -> Vec<f64> {
        points.iter().map(|point| point[name].as_f64().unwrap()).collect()
    };
    assert_eq!(of("dim"), [4.0, 8.0, 12.0, 16.0, 24.0]);
    assert!(of("flops_all").is_sorted() && of("flops")[0] > 0.0, "{curve}");
    assert!(of("loss").iter().all(|loss| *loss > 0.0), "{curve}");
    assert!(curve["loss_law"]["r2"].as_f64().unwrap() <= 1.0, "{curve}");
    let plot = std::fs::read_to_string(dir.join(curve["plot"].as_str().unwrap())).unwrap();
    assert_eq!(plot.matches("<circle").count(), 10, "five sizes in both panels");

    // What is finished is not trained again, and another size is trained alone.
    let curve_only = ["--only", "curve", "--sizes", "4,8,12,16,24,20"];
    let (out, err) = texts(&tastemaker(dir, &[&quick[..], &curve_only].concat()));
    assert_eq!(err.matches("finished already").count(), 5, "{err}");
    let second: serde_json::Value = serde_json::from_str(out.trim()).unwrap();
    assert!(second["large"].is_null(), "{second}");
    assert_eq!(second["curve"]["points"][0], points[0]);
    assert_eq!(second["curve"]["points"][4]["dim"], 20);
}

#[test]
fn what_cannot_be_run_is_said_before_anything_is() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let large = |more: &[&str]| {
        refused(dir, &[&["bench", "scale", "--only", "large"][..], more].concat())
    };
    let error = large(&["--width", "8192", "--layers", "128"]);
    assert!(error.contains("of memory are needed") && error.contains("--layers"), "{error}");
    assert!(large(&["--heads", "7"]).contains("--heads divides --width"));
    let output = tastemaker(dir, &["bench", "scale", "--data", "nowhere"]);
    assert_eq!(output.status.code(), Some(3));
    let (_, err) = texts(&output);
    assert!(err.contains("ratings_chronological") && !err.contains("prediction"), "{err}");
    let few = refused(dir, &["bench", "scale", "--only", "curve", "--quick", "--sizes", "8"]);
    assert!(few.contains("1 sizes; a law needs 5"), "{few}");
}
