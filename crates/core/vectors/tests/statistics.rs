//! Every file of statistics vectors agrees, and would not if any of its expectations were another.
//!
//! Where the values come from is in `tests/vectors/stats/README.md`.

use serde_json::{Value, json};
use vectors::{Report, check_beside};

fn folder() -> String {
    format!("{}/../../../tests/vectors/stats", env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(format!("{}/{name}", folder())).unwrap()).unwrap()
}

fn run(name: &str, file: &Value) -> Report {
    let beside = |other: &str| std::fs::read_to_string(format!("{}/{other}", folder())).ok();
    check_beside(name, file, &beside).unwrap_or_else(|| panic!("{name} is not recognised"))
}

/// All cases agree; then every kind of expectation is changed in one case, which alone must notice.
fn agrees(name: &str, cases: usize) {
    let mut file = read(name);
    let report = run(name, &file);
    assert_eq!(report.missed, []);
    assert_eq!(report.passed, cases);
    // One case each, so that files of slow answers stay quick.
    let first = file["cases"][0].clone();
    let leaves = leaves(&first["expected"], "/cases/0/expected");
    assert!(!leaves.is_empty());
    file["cases"] = json!([first]);
    for pointer in leaves {
        let leaf = file.pointer_mut(&pointer).unwrap();
        let before = std::mem::replace(leaf, changed(leaf));
        let report = run(name, &file);
        assert_eq!((report.passed, report.missed.len()), (0, 1), "{pointer}");
        assert_eq!(report.missed[0].case, file["cases"][0]["name"].as_str().unwrap());
        *file.pointer_mut(&pointer).unwrap() = before;
    }
}

/// Pointers to the values below one; of a list the last entry stands for all.
fn leaves(value: &Value, pointer: &str) -> Vec<String> {
    match value {
        Value::Object(entries) => {
            entries.iter().flat_map(|(key, value)| leaves(value, &format!("{pointer}/{key}"))).collect()
        }
        Value::Array(items) if !items.is_empty() => {
            leaves(&items[items.len() - 1], &format!("{pointer}/{}", items.len() - 1))
        }
        _ => vec![pointer.to_owned()],
    }
}

/// Well beyond every tolerance.
fn changed(value: &Value) -> Value {
    match value {
        Value::Null => json!(0.5),
        Value::Bool(value) => json!(!value),
        Value::Number(number) => json!(number.as_f64().unwrap() * 1.1 + 1e-3),
        other => json!(format!("{other}0")),
    }
}

macro_rules! files {
    ($($name:ident: $cases:literal),* $(,)?) => {
        $(#[test]
        fn $name() {
            agrees(concat!(stringify!($name), ".json"), $cases);
        })*
    };
}

files! {
    bayes_normal: 26,
    beta_binomial: 39,
    cuped: 21,
    cuped_ratio: 8,
    group_sequential: 8,
    heterogeneity: 12,
    ltv: 14,
    multiplicity: 16,
    power: 38,
    quantile: 12,
    ratio_delta: 19,
    sequential: 49,
    srm: 34,
    two_proportion: 42,
    welch_mean: 35,
}

#[test]
fn what_is_undefined_is_neither_a_number_nor_the_other_way_round() {
    let mut file = read("two_proportion.json");
    let places: Vec<usize> = (0..42).filter(|place| file["cases"][place]["expected"]["z"].is_null()).collect();
    assert!(!places.is_empty());
    for place in places {
        file["cases"][place]["expected"]["z"] = json!(0.0);
    }
    let missed = run("two_proportion.json", &file).missed;
    assert!(missed.iter().all(|miss| miss.differences[0].field == "z" && miss.differences[0].found.is_null()));
    assert!(!missed.is_empty());
    file["cases"][0]["expected"] = json!({ "rate_a": null });
    assert!(run("two_proportion.json", &file).missed.iter().any(|miss| miss.differences[0].field == "rate_a"));
}

/// The differences of one case.
fn judge(name: &str, expected: &Value, input: &Value) -> Vec<String> {
    let tolerance = json!({ "rel": 1e-9, "abs": 1e-12 });
    let case = json!({ "name": "a", "input": input, "expected": expected, "tolerance": tolerance });
    let report = vectors::check(name, &json!({ "cases": [case] })).unwrap();
    report.missed.into_iter().flat_map(|miss| miss.differences).map(|difference| difference.to_string()).collect()
}

#[test]
fn refusing_a_case_is_right_where_nothing_is_expected() {
    let rates = json!({ "x_a": 0, "n_a": 0, "x_b": 2, "n_b": 9 });
    let nothing = json!({ "z": null, "p_two_sided": null, "ci_95": [null, null], "rate_a": null, "rate_b": 2.0 / 9.0 });
    assert_eq!(judge("two_proportion.json", &nothing, &rates), [""; 0]);
    assert_eq!(judge("two_proportion.json", &json!({ "z": 0.0 }), &rates).len(), 1);
    let mean = json!({ "n_a": 1, "mean_a": 2.0, "var_a": 0.0, "n_b": 9, "mean_b": 2.0, "var_b": -1.0 });
    let expected = json!({ "absolute": { "error": "UNDEFINED" }, "relative": null, "mean_a": 2.0, "var_b": null });
    assert_eq!(judge("welch_mean.json", &expected, &mean), [""; 0]);
    for (name, input) in [
        ("srm.json", json!({ "kind": "chi_square", "observed": [0, 0], "weights": [1.0, 1.0] })),
        ("srm.json", json!({ "kind": "chi_square", "observed": [3, 4], "weights": [1.0, -1.0] })),
        ("heterogeneity.json", json!({ "effects": [1.0], "variances": [1.0] })),
        ("multiplicity.json", json!({ "p_values": [0.5, 1.5], "alpha": 0.05 })),
        ("multiplicity.json", json!({ "p_values": [0.5, "nan"], "alpha": 0.05 })),
        ("group_sequential.json", json!({ "information_fractions": [0.5, 0.4], "alpha": 0.05, "sides": 2 })),
    ] {
        assert_eq!(judge(name, &json!({ "error": "REFUSED" }), &input), [""; 0], "{input}");
        assert_eq!(judge(name, &json!({ "p": null, "chi2": null }), &input), [""; 0], "{input}");
        assert_eq!(judge(name, &json!({ "p": 1.0 }), &input).len(), 1, "{input}");
        // What cannot be read is a miss, whatever is expected.
        assert_eq!(judge(name, &json!({ "error": "REFUSED" }), &json!({ "kind": "chi_square" })).len(), 1);
    }
}

#[test]
fn infinite_evidence_is_text() {
    let input = json!({
        "kind": "sequential_multinomial", "null_probabilities": [0.5, 0.5, 0.0], "dirichlet_concentration": 10000.0,
        "data": [[10, 10, 0], [0, 0, 1]],
    });
    let file = |last: Value| json!({ "log_bayes_factor": [0.0, last] });
    let loose = |expected: &Value| {
        let case =
            json!({ "name": "a", "input": input, "expected": expected, "tolerance": { "abs": 0.1, "rel": 0.0 } });
        vectors::check("srm.json", &json!({ "cases": [case] })).unwrap().missed.len()
    };
    assert_eq!((loose(&file(json!("inf"))), loose(&file(json!(0.0))), loose(&file(json!(null)))), (0, 1, 1));
    assert_eq!(loose(&json!({ "p": [1.0, 0.0], "posterior": [0.5, 1.0] })), 0);
}

#[test]
fn a_tolerance_of_an_enclosing_key_holds_below_it() {
    let mut file = read("ltv.json");
    let first = file["cases"][0].clone();
    assert_eq!(first["tolerance"]["fields"]["lifetimes_params"]["rel"], json!(0.005));
    file["cases"] = json!([first]);
    for (pointer, missed) in [("/cases/0/expected/lifetimes_params/r", 0), ("/cases/0/expected/params/r", 1)] {
        let mut changed = file.clone();
        let leaf = changed.pointer_mut(pointer).unwrap();
        *leaf = json!(leaf.as_f64().unwrap() * 1.003);
        assert_eq!(run("ltv.json", &changed).missed.len(), missed, "{pointer}");
    }
}

#[test]
fn a_file_is_known_by_its_name_and_shape_and_data_must_lie_beside_it() {
    let file = read("srm.json");
    assert!(vectors::check("deep/er/srm.json", &file).is_some());
    assert!(vectors::check("other.json", &file).is_none());
    assert!(vectors::check("srm.json", &json!({ "cases": [{ "id": "a" }] })).is_none());
    let alone = vectors::check("ltv.json", &read("ltv.json")).unwrap();
    assert!(alone.missed.iter().any(|miss| miss.differences[0].found.to_string().contains("is not beside")));
    let unknown = json!({ "cases": [{ "name": "a", "input": { "kind": "other" }, "expected": {}, "tolerance": {} }] });
    assert_eq!(vectors::check("srm.json", &unknown).unwrap().missed.len(), 1);
    let unanswered = json!({ "cases": [{
        "name": "a", "input": { "x_a": 1, "n_a": 9, "x_b": 2, "n_b": 9 }, "expected": { "nonsense": 1.0 },
        "tolerance": { "rel": 1.0, "abs": 1.0 },
    }] });
    assert_eq!(vectors::check("two_proportion.json", &unanswered).unwrap().missed.len(), 1);
}
