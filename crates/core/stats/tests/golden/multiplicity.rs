//! Adjusted p-values and decisions against published engines.

use crate::vectors::cases;
use stats::Alpha;
use stats::multiplicity::{Correction, decide};

#[test]
fn every_golden_case_matches() {
    let corrections = [
        ("bonferroni", Correction::Bonferroni),
        ("sidak", Correction::Sidak),
        ("holm", Correction::Holm),
        ("holm_sidak", Correction::HolmSidak),
        ("hochberg", Correction::Hochberg),
        ("hommel", Correction::Hommel),
        ("bh", Correction::BenjaminiHochberg),
        ("by", Correction::BenjaminiYekutieli),
    ];
    let mut compared = 0;
    for case in cases("multiplicity") {
        let p_values: Vec<f64> =
            case.input("p_values").as_array().unwrap().iter().map(|p| p.as_f64().unwrap()).collect();
        for (name, correction) in corrections {
            let decided = decide(&p_values, correction, Alpha::new(case.number("alpha")).unwrap()).unwrap();
            let adjusted: Vec<f64> = decided.iter().map(|one| one.adjusted_p).collect();
            compared += case.check_all(&format!("{name}/adjusted"), &adjusted);
            let rejected: Vec<bool> = decided.iter().map(|one| one.rejected).collect();
            let wanted = case.expected(&format!("{name}/reject")).unwrap().as_array().unwrap();
            assert!(wanted.iter().zip(&rejected).all(|(wanted, got)| wanted == got), "{}: {name}", case.name());
        }
    }
    assert!(compared > 10_000, "only {compared} numbers were compared");
}
