//! Power, sample sizes and minimum effects against published engines.

use crate::vectors::{Case, cases};
use stats::planning::{MeanFormula, PlanError, ProportionFormula, Sides, Target, TestDesign, cohen_h};
use stats::{Alpha, Undefined};

fn design(case: &Case) -> TestDesign {
    let sides = match case.input("alternative").as_str().unwrap() {
        "two-sided" => Sides::Two,
        "one-sided" => Sides::One,
        other => panic!("no alternative is called {other}"),
    };
    TestDesign::new(Alpha::new(case.number("alpha")).unwrap(), sides, case.number("ratio")).unwrap()
}

fn target(case: &Case) -> Target {
    let rates = |formula| Target::Proportions { rate_a: case.number("p1"), rate_b: case.number("p2"), formula };
    let means = |formula| {
        let variance = case.number("sd") * case.number("sd");
        Target::Means { difference: case.number("delta"), variance_a: variance, variance_b: variance, formula }
    };
    match case.input("kind").as_str().unwrap() {
        "proportions_arcsine" => rates(ProportionFormula::Arcsine),
        "proportions_classic" => rates(ProportionFormula::Pooled),
        "proportions_unpooled" => rates(ProportionFormula::Unpooled),
        "means_z" => means(MeanFormula::Normal),
        "means_t" => means(MeanFormula::Student),
        "means_z_unequal_var" => Target::Means {
            difference: case.number("delta"),
            variance_a: case.number("var_a"),
            variance_b: case.number("var_b"),
            formula: MeanFormula::Normal,
        },
        other => panic!("unknown kind {other}"),
    }
}

fn effect(target: Result<Target, PlanError>) -> Result<f64, PlanError> {
    target.map(|target| match target {
        Target::Proportions { rate_b, .. } => rate_b,
        Target::Means { difference, .. } => difference,
    })
}

#[test]
fn every_golden_case_matches() {
    let mut compared = 0;
    for case in cases("power") {
        let (design, target, power) = (design(&case), target(&case), case.number("power"));
        let size = design.sample_size(&target, power);
        compared += case.check("n_a", size.map(|size| size.n_a));
        compared += case.check("n_a_ceil", size.map(|size| size.n_a_whole as f64));
        compared += case.check("n_b_ceil", size.map(|size| size.n_b_whole as f64));
        if let Target::Proportions { rate_a, rate_b, .. } = target {
            compared += case.check("cohen_h", Ok::<_, Undefined>(cohen_h(rate_a, rate_b)));
        }
        let Some(given) = case.input("n_a_given").as_f64() else { continue };
        compared += case.check("power_at_n", design.power(&target, given));
        let smallest = effect(design.minimum_effect(&target, given, power));
        compared += case.check("mde_p2_at_n", smallest);
        compared += case.check("mde_delta_at_n", smallest);
    }
    assert!(compared > 180, "only {compared} numbers were compared");
}
