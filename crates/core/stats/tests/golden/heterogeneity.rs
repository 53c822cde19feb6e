//! Agreement of estimates against a published engine.

use crate::vectors::{Case, cases};
use stats::heterogeneity::{Part, heterogeneity};
use stats::{Alpha, Undefined};

fn list(case: &Case, key: &str) -> Vec<f64> {
    case.input(key).as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
}

#[test]
fn every_golden_case_matches() {
    let mut compared = 0;
    for case in cases("heterogeneity") {
        let parts: Vec<Part> = list(&case, "effects")
            .into_iter()
            .zip(list(&case, "variances"))
            .map(|(effect, squared_error)| Part { effect, squared_error })
            .collect();
        let got = heterogeneity(&parts, Alpha::FIVE_PERCENT).unwrap();
        for (key, value) in [
            ("q", got.q),
            ("df", f64::from(got.df)),
            ("p", got.p),
            ("h2", got.h_squared),
            ("i2", got.i_squared),
            ("effect_fe", got.common.effect),
            ("se_fe", got.common.standard_error),
            ("tau2_dl", got.tau_squared),
            ("effect_re_dl", got.random.effect),
            ("se_re_dl", got.random.standard_error),
            ("tau2_pm", got.tau_squared_paule_mandel),
        ] {
            compared += case.check(key, Ok::<_, Undefined>(value));
        }
        compared += case.check_interval("ci_95_fe", Ok::<_, Undefined>(got.common.interval));
    }
    assert!(compared > 140, "only {compared} numbers were compared");
}
