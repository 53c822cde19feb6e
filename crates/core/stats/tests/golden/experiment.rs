//! A whole experiment, with and without the people exposed to both variants.

use crate::vectors::load;
use serde_json::Value;
use stats::srm::{Weights, chi_square};
use stats::{Alpha, Conversions, Interval, Moments, two_proportion, welch};

fn close(what: &str, got: f64, wanted: &Value) {
    let wanted = wanted.as_f64().unwrap();
    // Room for rounding alone.
    assert!((got - wanted).abs() <= 1e-11 + 1e-9 * wanted.abs(), "{what}: {got:e}, wanted {wanted:e}");
}

fn close_interval(what: &str, got: Interval, wanted: &Value) {
    close(what, got.lower(), &wanted[0]);
    close(what, got.upper(), &wanted[1]);
}

fn check_conversion(readout: &Value) {
    let arm =
        |arm: &str| Conversions::new(readout[arm]["n"].as_u64().unwrap(), readout[arm]["x"].as_u64().unwrap()).unwrap();
    let got = two_proportion(arm("control"), arm("treatment"), Alpha::FIVE_PERCENT).unwrap();
    close("rate a", got.rate_a, &readout["control"]["rate"]);
    close("rate b", got.rate_b, &readout["treatment"]["rate"]);
    close("difference", got.difference, &readout["difference"]);
    close("z", got.test.unwrap().z, &readout["z_pooled"]);
    close("p", got.test.unwrap().p.two_sided, &readout["p_two_sided"]);
    close_interval("difference", got.interval, &readout["ci95_difference_unpooled"]);
    close("lift", got.lift.unwrap(), &readout["relative_lift"]);
    close_interval("lift", got.lift_interval.unwrap(), &readout["ci95_relative_lift_delta"]);
}

fn check_mean(readout: &Value) {
    let arm = |arm: &str| {
        let number = |key: &str| readout[arm][key].as_f64().unwrap();
        Moments::new(readout[arm]["n"].as_u64().unwrap(), number("mean"), number("variance")).unwrap()
    };
    let got = welch(arm("control"), arm("treatment"), Alpha::FIVE_PERCENT).unwrap().absolute.unwrap();
    close("difference", got.effect, &readout["difference"]);
    close("t", got.statistic, &readout["t"]);
    close("df", got.df.unwrap(), &readout["df"]);
    close_interval("difference", got.normal_interval, &readout["ci95_difference_normal"]);
    assert!(got.interval.lower() < got.normal_interval.lower());
}

#[test]
fn both_ways_of_treating_mixed_people_match() {
    let experiment = load("experiment_readout");
    for readout in ["primary_mixed_persons_excluded", "sensitivity_first_exposure_wins"] {
        let readout = &experiment[readout];
        let counts = ["control", "treatment"].map(|arm| readout["srm"][arm].as_u64().unwrap());
        let srm = chi_square(&counts, &Weights::new(&[1.0, 1.0]).unwrap()).unwrap();
        close("chi2", srm.statistic, &readout["srm"]["chi2"]);
        close("srm p", srm.p, &readout["srm"]["p"]);
        check_conversion(&readout["conversion"]);
        for metric in [
            "first_order_value_usd_cents_per_converter",
            "gross_revenue_usd_cents_per_person",
            "net_revenue_usd_cents_per_person",
        ] {
            check_mean(&readout[metric]);
        }
    }
}
