use super::*;

fn parse(text: &str) -> ModelSpec {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn short_forms_mean_the_defaults_and_the_canonical_form_names_them() {
    for (text, canonical) in [
        ("first_touch", "first_touch"),
        (" last_touch ", "last_touch"),
        ("linear", "linear"),
        ("session", "session"),
        ("time_window", "time_window(window=24h)"),
        ("time_window(window=1d)", "time_window(window=24h)"),
        ("time_decay", "time_decay(half_life=7d)"),
        ("time_decay(half_life=168h)", "time_decay(half_life=7d)"),
        ("time_decay( half_life = 72h )", "time_decay(half_life=72h)"),
        ("time_decay(factor=0.850/d)", "time_decay(factor=0.85/d)"),
        ("position", "position(first=0.4, last=0.4)"),
        ("position(last=0.5,first=0.3)", "position(first=0.3, last=0.5)"),
        ("position(last=0.5)", "position(first=0.4, last=0.5)"),
    ] {
        let model = parse(text);
        assert_eq!(model.to_string(), canonical);
        assert_eq!(parse(canonical), model);
        assert_eq!(parse(canonical).parameter_hash(), model.parameter_hash());
        assert!(canonical.starts_with(model.id()));
    }
}

#[test]
fn hashes_differ_by_parameter_and_are_frozen() {
    let hash = |text: &str| parse(text).parameter_hash().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_ne!(hash("time_decay"), hash("time_decay(half_life=72h)"));
    assert_eq!(hash("linear"), "7f2fe580edb35154041fa3d4b41dd6d3adaef0c85d2ff6309f1d4b520eeecda3");
    assert_eq!(hash("position"), "b9987ceeac54d66b6658bc962fa009e6db2ac39d6dd0c3c4d86ac7642731080e");
}

#[test]
fn errors_name_the_model_the_parameter_and_the_rule() {
    for (text, message) in [
        ("", "unknown model \"\"; known are"),
        ("markov2", "unknown model \"markov2\"; known are first_touch, "),
        ("time_decay(", "\"time_decay(\" is no model; write it as id or id(parameter=value"),
        ("linear()", "\"linear()\" is no model; write it as"),
        ("linear(x=1)", "model linear has no parameter \"x\""),
        ("time_decay(window=24h)", "model time_decay has no parameter \"window\""),
        ("time_window(window=24h,window=25h)", "model time_window: parameter window must be given once only"),
        ("time_window(window=soon)", "model time_window: parameter window must be a whole number with a unit"),
        ("time_window(window=0d)", "model time_window: parameter window must be longer than 0 and at most 3650d"),
        (
            "time_decay(factor=0.85)",
            "model time_decay: parameter factor must be a decimal above 0 and at most 1 per day",
        ),
        (
            "time_decay(factor=1.2/d)",
            "model time_decay: parameter factor must be a decimal above 0 and at most 1 per day",
        ),
        (
            "time_decay(factor=0.85/d, half_life=7d)",
            "model time_decay: parameter factor must not be given together with half_life",
        ),
        ("position(first=0)", "model position: parameter first must be a decimal above 0 and at most 1 with at most 9"),
        ("position(first=0.6, last=0.5)", "model position: parameter first and last must sum to at most 1"),
    ] {
        let error = text.parse::<ModelSpec>().unwrap_err().to_string();
        assert!(error.starts_with(message), "{text}: {error}");
    }
}

#[test]
fn the_ends_of_a_position_may_take_everything_but_not_more() {
    let half: Fraction = "0.5".parse().unwrap();
    assert!(Position::new(half, half).is_ok());
    assert_eq!(Position::new(half, "0.500000001".parse().unwrap()), Err(InvalidPosition));
}
