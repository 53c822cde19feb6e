use super::*;

fn two_arms() -> Definition {
    Definition::new(Reward::CONVERSION, vec![Arm::of_weight(1), Arm::of_weight(1)])
}

#[test]
fn the_defaults_are_a_design() {
    let design = Design::new(two_arms()).unwrap();
    let Definition { floor, min_impressions, total, retained, policy, objective, .. } = design.definition().clone();
    assert_eq!((floor, min_impressions, total, retained), (0.01, 1_000, 1_000_000, 1.0));
    assert_eq!((policy, objective), (Policy::Thompson, Objective::Highest));
}

#[test]
fn every_rule_names_its_field() {
    let stopped = Arm { weight: 5, stopped: true };
    let prior = |successes, failures| Reward::Conversion { successes, failures };
    let wrong = [
        (Definition { arms: vec![], ..two_arms() }, "arms"),
        (Definition { arms: vec![Arm::of_weight(1); 257], floor: 0.0, ..two_arms() }, "arms"),
        (Definition { arms: vec![stopped; 2], ..two_arms() }, "arms"),
        (Definition { arms: vec![Arm::of_weight(1), Arm::of_weight(0)], ..two_arms() }, "arms.weight"),
        (Definition { reward: prior(0.0, 1.0), ..two_arms() }, "reward.successes"),
        (Definition { reward: prior(1.0, f64::NAN), ..two_arms() }, "reward.failures"),
        (Definition { reward: prior(1e10, 1.0), ..two_arms() }, "reward.successes"),
        (Definition { reward: Reward::Value { prior_units: 0.5 }, ..two_arms() }, "reward.prior_units"),
        (Definition { policy: Policy::TopTwo { first: 1.5 }, ..two_arms() }, "policy.first"),
        (Definition { policy: Policy::EpsilonGreedy { epsilon: -0.1 }, ..two_arms() }, "policy.epsilon"),
        (Definition { floor: 0.51, ..two_arms() }, "floor"),
        (Definition { floor: f64::NAN, ..two_arms() }, "floor"),
        (Definition { floor: -0.01, ..two_arms() }, "floor"),
        (Definition { retained: 0.0, ..two_arms() }, "retained"),
        (Definition { retained: 1.01, ..two_arms() }, "retained"),
        (Definition { total: 1, ..two_arms() }, "total"),
        (Definition { total: 1 << 31, ..two_arms() }, "total"),
    ];
    for (definition, field) in wrong {
        let error = Design::new(definition).unwrap_err();
        assert_eq!(error.field(), field);
        assert!(error.to_string().starts_with(field), "{error}");
    }
}

#[test]
fn floors_may_take_everything_and_count_only_arms_that_are_not_stopped() {
    let stopped = Arm { weight: 0, stopped: true };
    let arms = vec![Arm::of_weight(1), stopped, Arm::of_weight(1)];
    assert!(Design::new(Definition { arms: arms.clone(), floor: 0.5, ..two_arms() }).is_ok());
    let error = Design::new(Definition { arms, floor: 0.6, ..two_arms() }).unwrap_err();
    assert_eq!(error, InvalidDesign::Floor { active: 2, given: 0.6 });
}
