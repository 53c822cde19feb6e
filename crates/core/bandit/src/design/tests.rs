use super::*;
use proptest::prelude::*;

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

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![any::<f64>(), Just(f64::NAN), 0.0..=1.0_f64, 0.0..20.0_f64, Just(0.0), Just(1.0)]
}

fn definitions() -> impl Strategy<Value = Definition> {
    let arms = prop::collection::vec((0_u32..3, any::<bool>()), 0..5);
    let arms = arms.prop_map(|arms| arms.into_iter().map(|(weight, stopped)| Arm { weight, stopped }).collect());
    let reward = prop_oneof![
        (number(), number()).prop_map(|(successes, failures)| Reward::Conversion { successes, failures }),
        number().prop_map(|prior_units| Reward::Value { prior_units }),
    ];
    let policy = prop_oneof![
        Just(Policy::Thompson),
        number().prop_map(|first| Policy::TopTwo { first }),
        number().prop_map(|epsilon| Policy::EpsilonGreedy { epsilon }),
    ];
    let total = prop_oneof![0_u32..8, any::<u32>()];
    (arms, reward, policy, number(), number(), total).prop_map(|(arms, reward, policy, floor, retained, total)| {
        Definition { policy, floor, retained, total, ..Definition::new(reward, arms) }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_096))]

    /// Whatever is defined, it is a design with weights, or an error that names one of its fields.
    #[test]
    fn any_definition_is_refused_by_name_or_has_weights(definition in definitions(), units in 0_u64..3_000) {
        match Design::new(definition.clone()) {
            Ok(design) => {
                prop_assert_eq!(design.definition(), &definition);
                let seen = stats::Sums::from_parts(units, i128::from(units / 3), u128::from(units / 3));
                let weights = crate::weights(&design, 0, &vec![[seen]; definition.arms.len()]).unwrap();
                prop_assert_eq!(weights.arms.iter().map(|arm| arm.weight).sum::<u32>(), definition.total);
            }
            Err(error) => prop_assert!(error.to_string().starts_with(error.field()), "{error}"),
        }
    }
}
