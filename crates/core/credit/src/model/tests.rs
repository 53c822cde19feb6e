use super::*;
use crate::{Fraction, ShareForm};
use proptest::prelude::*;

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
        ("position(milestone=lead)", "position(first=0.3, milestone=lead, middle=0.3, last=0.3)"),
        ("position(middle=0.2, milestone=\"a, b\")", "position(first=0.3, milestone=\"a, b\", middle=0.2, last=0.3)"),
        ("last_non_direct", "last_non_direct(direct=direct)"),
        ("last_non_direct(direct=\"(none)\")", "last_non_direct(direct=\"(none)\")"),
        ("last_non_direct(direct=\"café\")", "last_non_direct(direct=\"café\")"),
        ("last_touch(window=168h)", "last_touch(window=7d)"),
        ("time_decay(window=14d)", "time_decay(half_life=7d, window=14d)"),
        (
            "time_decay(half_life[social]=2d, factor[\"a=b]\"]=0.5/d, half_life[email]=7d)",
            "time_decay(half_life=7d, factor[\"a=b]\"]=0.5/d, half_life[social]=48h)",
        ),
        ("shapley", "shapley(share=per_journey)"),
        ("shapley(share=global)", "shapley(share=global, by=channel)"),
        ("markov", "markov(order=1, effect=redirect_to_null, outcome=conversions, share=per_journey, by=channel)"),
        (
            "markov(order=2, share=global, effect=detour, by=campaign, outcome=value)",
            "markov(order=2, effect=detour, outcome=value, share=global, by=campaign)",
        ),
        (
            "data_driven(level=0.9)",
            "data_driven(estimator=logistic_drop/1, level=0.9, replicates=200, seed=1, by=channel)",
        ),
        ("incremental(base=linear)", "incremental(base=linear)"),
        (
            "incremental( base = markov(order=3) )",
            "incremental(base=markov(order=3, effect=redirect_to_null, outcome=conversions, share=per_journey, by=channel))",
        ),
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
        ("time_decay(wind=24h)", "model time_decay has no parameter \"wind\""),
        ("linear(half_life[a]=7d)", "model linear has no parameter \"half_life[a]\""),
        (
            "time_decay(half_life[a]=7d, factor[a]=0.5/d)",
            "model time_decay: parameter factor[a] must not be given together with half_life",
        ),
        ("time_decay(half_life[a]=7d, half_life[a]=8d)", "model time_decay: parameter half_life[a] must be given once"),
        ("time_decay(half_life[a b]=7d)", "\"time_decay(half_life[a b]=7d)\" is no model"),
        ("position(middle=0.2)", "model position: parameter middle must not be given without milestone"),
        (
            "position(milestone=m, first=0.5)",
            "model position: parameter first and middle and last must sum to at most 1",
        ),
        ("last_non_direct(direct=)", "model last_non_direct: parameter direct must be a name"),
        ("last_non_direct(direct=café)", "model last_non_direct: parameter direct must be a name"),
        ("markov(order=0)", "model markov: parameter order must be a whole number from 1 to 10"),
        ("markov(effect=none)", "model markov: parameter effect must be redirect_to_null, fail or detour"),
        ("markov(share=all)", "model markov: parameter share must be global, per_journey or per_journey_distinct"),
        ("shapley(share=per_journey_distinct)", "model shapley: parameter share must be global or per_journey"),
        ("data_driven(replicates=10001)", "model data_driven: parameter replicates must be a whole number from 0"),
        ("data_driven(estimator=logistic)", "model data_driven: parameter estimator must be logistic_drop/1"),
        ("incremental", "model incremental: parameter base must name the model that is scaled"),
        ("incremental(base=incremental(base=linear))", "model incremental: parameter base must not be incremental"),
        ("incremental(base=nothing)", "unknown model \"nothing\""),
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

#[test]
fn a_model_that_needs_training_is_no_rule() {
    let error = "markov(order=2)".parse::<RuleModel>().unwrap_err().to_string();
    assert_eq!(
        error,
        "model markov(order=2, effect=redirect_to_null, outcome=conversions, share=per_journey, by=channel) must be \
         trained first"
    );
    assert_eq!("linear".parse::<RuleModel>().map(ModelSpec::from), "linear".parse());
    assert_eq!(parse("linear").rule().map(RuleModel::parameter_hash), Some(parse("linear").parameter_hash()));
}

#[test]
fn a_decay_like_all_others_is_no_decay_of_its_own() {
    let decay = Decay::HalfLife(crate::Span::WEEK);
    let rule = Rule::TimeDecay { decay, by_channel: ChannelDecays::from([("email".into(), decay)]) };
    assert_eq!(ModelSpec::Rule(RuleModel::new(rule)), parse("time_decay"));
}

fn fraction() -> impl Strategy<Value = Fraction> {
    (1u32..=300_000_000).prop_map(|billionths| Fraction::from_billionths(billionths).unwrap())
}

fn name() -> impl Strategy<Value = std::sync::Arc<str>> {
    prop_oneof!["[a-z_]{1,6}", "[ -~é\"\\\\,=()\\[\\]]{1,8}"].prop_map(Into::into)
}

fn span() -> impl Strategy<Value = crate::Span> {
    (1i64..10_000_000_000).prop_map(|ms| crate::Span::from_millis(ms).unwrap())
}

fn any_decay() -> impl Strategy<Value = Decay> {
    prop_oneof![span().prop_map(Decay::HalfLife), fraction().prop_map(Decay::FactorPerDay)]
}

fn any_rule() -> impl Strategy<Value = RuleModel> {
    let w = (fraction(), name(), fraction(), fraction()).prop_map(|(first, event_type, middle, last)| {
        Rule::Position(Position::with_milestone(first, Milestoned { event_type, middle }, last).unwrap())
    });
    let rule = prop_oneof![
        Just(Rule::Linear),
        Just(Rule::Shapley),
        name().prop_map(|direct| Rule::LastNonDirect { direct }),
        (any_decay(), prop::collection::btree_map(name(), any_decay(), 0..3))
            .prop_map(|(decay, by_channel)| Rule::TimeDecay { decay, by_channel }),
        w,
    ];
    (rule, prop::option::of(span())).prop_map(|(rule, window)| match window {
        Some(window) => RuleModel::within(rule, window),
        None => RuleModel::new(rule),
    })
}

fn any_model() -> impl Strategy<Value = ModelSpec> {
    let forms = vec![ShareForm::Global, ShareForm::PerJourney, ShareForm::PerJourneyDistinct];
    let markov = (1u8..=10, prop::sample::select(forms)).prop_map(|(order, share)| {
        let order = crate::Order::new(order).unwrap();
        ModelSpec::Trained(TrainedSpec::Markov(Markov { order, share, ..Markov::default() }))
    });
    let single = prop_oneof![any_rule().prop_map(ModelSpec::Rule), markov];
    (single, any::<bool>()).prop_map(|(model, scaled)| match IncrementalBase::new(model.clone()) {
        Some(base) if scaled => ModelSpec::Trained(TrainedSpec::Incremental(Box::new(base))),
        _ => model,
    })
}

proptest! {
    #[test]
    fn every_model_reads_back_from_its_canonical_form(model in any_model()) {
        let text = model.to_string();
        prop_assert_eq!(text.parse::<ModelSpec>(), Ok(model), "{}", text);
    }

    #[test]
    fn no_text_breaks_the_reader(text in "(incremental|markov|position|time_decay)?[(]?[a-z\"\\\\,=() \\[\\]0-9./]{0,40}[)]?") {
        if let Ok(model) = text.parse::<ModelSpec>() {
            prop_assert_eq!(model.to_string().parse::<ModelSpec>(), Ok(model));
        }
    }
}
