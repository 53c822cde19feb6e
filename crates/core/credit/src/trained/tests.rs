use super::*;
use crate::fixture::{at, conversion, touch};
use crate::incremental::{Factor, Lift};
use crate::{
    Conversion, EffectKind, Grain, History, Journey, JourneyRules, Markov, Order, SHARE_TOTAL, Tally, Touch, TouchKind,
    markov_credit, shapley_credit,
};
use ids::DAY_MS;
use proptest::prelude::*;

const T0: i64 = 100 * DAY_MS;

fn spec(text: &str) -> TrainedSpec {
    match text.parse().unwrap() {
        ModelSpec::Trained(spec) => spec,
        ModelSpec::Rule(_) => panic!("{text} is a rule"),
    }
}

/// A person with one journey over the channels, an hour apart, the last an hour before the conversion.
fn person(channels: &[&str]) -> (Vec<Touch>, [Conversion; 1]) {
    let first = T0 - 3_600_000 * i64::try_from(channels.len()).unwrap();
    let touches = (1u8..)
        .zip(channels)
        .map(|(number, channel)| touch(number, first + 3_600_000 * i64::from(number - 1), channel));
    (touches.collect(), [conversion(250, T0)])
}

fn with_journey<R>(channels: &[&str], visit: impl FnOnce(&Journey<'_>) -> R) -> R {
    let (touches, conversions) = person(channels);
    let history = History { touches: &touches, conversions: &conversions, milestones: &[] };
    visit(&history.journeys(&JourneyRules::default())[0])
}

fn counts(spec: &TrainedSpec, rows: &[(Vec<&str>, u64, u64)]) -> PathCounts {
    let mut counts = PathCounts::new();
    for (path, conversions, lost) in rows {
        let tally = Tally { conversions: *conversions, value_minor: 10 * *conversions as i64, lost: *lost };
        with_journey(path, |journey| counts.add(spec.path_of(journey), tally)).unwrap();
    }
    counts
}

fn rows() -> Vec<(Vec<&'static str>, u64, u64)> {
    vec![
        (vec!["A", "B"], 2, 3),
        (vec!["A"], 1, 4),
        (vec!["B", "C"], 0, 5),
        (vec!["A", "B", "C"], 3, 1),
        (vec!["C"], 1, 6),
        (vec!["A", "C", "A"], 1, 2),
    ]
}

fn trained(text: &str) -> TrainedModel {
    let spec = spec(text);
    let counts = counts(&spec, &rows());
    TrainedModel::train(spec, &counts, at(T0)).unwrap()
}

/// Credit of all conversions, journey by journey.
fn summed(model: &TrainedModel) -> BTreeMap<String, f64> {
    let mut credit = BTreeMap::new();
    for (path, conversions, _) in rows() {
        let shares = with_journey(&path, |journey| model.shares(journey));
        for (channel, share) in path.iter().zip(shares.as_slice()) {
            let part = f64::from(*share) / f64::from(SHARE_TOTAL);
            *credit.entry((*channel).to_owned()).or_default() += part * conversions as f64;
        }
    }
    credit
}

#[test]
fn shares_of_all_journeys_sum_to_the_totals_of_the_model() {
    for (text, form) in [
        ("markov(share=per_journey)", ShareForm::PerJourney),
        ("markov(order=2, share=per_journey)", ShareForm::PerJourney),
        ("markov(share=per_journey_distinct)", ShareForm::PerJourneyDistinct),
    ] {
        let model = trained(text);
        let TrainedSpec::Markov(Markov { order, effect, outcome, .. }) = *model.spec() else { panic!("{text}") };
        let counts = counts(model.spec(), &rows());
        let found = summed(&model);
        for row in markov_credit(&counts, order, effect, outcome, form).unwrap() {
            let found = found[&*row.channel];
            assert!((found - row.conversions).abs() < 1e-7, "{text} {}: {found}, {}", row.channel, row.conversions);
        }
    }
    let counts = counts(&spec("markov"), &rows());
    let shapley: crate::RuleModel = "shapley".parse().unwrap();
    let rule = TrainedModel::calibrated_rule(shapley, Calibration::default(), at(0));
    let found = summed(&rule);
    for row in shapley_credit(&counts).unwrap() {
        assert!((found[&*row.channel] - row.conversions).abs() < 1e-7, "{row:?}");
    }
}

#[test]
fn data_driven_shares_sum_to_its_totals() {
    let model = trained("data_driven(replicates=0)");
    let counts = counts(model.spec(), &rows());
    let TrainedSpec::DataDriven(parameters) = *model.spec() else { panic!("{model:?}") };
    let found = summed(&model);
    for row in crate::data_driven_credit(&counts, &parameters).unwrap() {
        let found = found[&*row.channel];
        assert!((found - row.conversions).abs() < 1e-7, "{}: {found} is not {}", row.channel, row.conversions);
    }
}

#[test]
fn unknown_channels_get_nothing_beside_known_ones_and_all_alone() {
    let model = trained("markov");
    with_journey(&["new", "A"], |journey| assert_eq!(model.shares(journey).into_vec(), [0, SHARE_TOTAL]));
    with_journey(&["new", "newer"], |journey| assert_eq!(model.shares(journey).into_vec(), [0, SHARE_TOTAL]));
    let nobody = with_journey(&[], |journey| model.shares(journey));
    assert_eq!((nobody.is_empty(), nobody.unattributed()), (true, SHARE_TOTAL));
}

#[test]
fn a_calibrated_model_keeps_what_its_base_learned() {
    let base = trained("markov");
    let lift = Lift { channel: "A".into(), conversions: 1.0, lower: 0.5, upper: 1.5 };
    let counts = counts(base.spec(), &rows());
    let credit =
        markov_credit(&counts, Order::FIRST, EffectKind::RedirectToNull, Default::default(), ShareForm::PerJourney);
    let credit = credit.unwrap();
    let calibration = Calibration::fit(&credit, &[lift]).unwrap();
    let before = summed(&base);
    let model = base.calibrated(calibration.clone(), at(T0 + 1)).unwrap();
    assert!(model.spec().to_string().starts_with("incremental(base=markov(order=1, "));
    let after = summed(&model);
    assert!((after["A"] - 1.0).abs() < 1e-6 && (after["B"] - before["B"]).abs() < 1e-7, "{after:?}");
    assert_eq!(TrainedModel::decode(&model.encode()).unwrap(), model);
    assert_eq!(model.calibrated(calibration, at(0)), None);
}

#[test]
fn factors_are_of_the_tokens_that_the_base_credits() {
    let mut of_variants = PathCounts::new();
    let spec = spec("markov(by=campaign)");
    of_variants.add(["checkout\u{1f}treatment"], Tally { conversions: 9, value_minor: 0, lost: 1 }).unwrap();
    of_variants.add(["checkout\u{1f}control"], Tally { conversions: 3, value_minor: 0, lost: 7 }).unwrap();
    let base = TrainedModel::train(spec, &of_variants, at(0)).unwrap();
    let scaled = |token: &str| {
        let factor = BTreeMap::from([(token.into(), Factor { factor: 0.5, lower: 0.25, upper: 0.75 })]);
        base.clone().calibrated(Calibration::of(factor), at(0)).unwrap()
    };
    let touches = ["control", "treatment"].into_iter().zip(1..).map(|(variant, number)| Touch {
        campaign: Some(variant.into()),
        ..touch(number, T0 - 9 + i64::from(number), "checkout")
    });
    let (touches, conversions) = (touches.collect::<Vec<_>>(), [conversion(3, T0)]);
    let history = History { touches: &touches, conversions: &conversions, milestones: &[] };
    let journeys = history.journeys(&JourneyRules::default());
    let shares = scaled("checkout\u{1f}treatment").shares(&journeys[0]);
    assert_eq!(shares.as_slice(), [SHARE_TOTAL / 4, SHARE_TOTAL / 8 * 3]);
    assert_eq!(shares.unattributed(), SHARE_TOTAL / 8 * 3);
    assert_eq!(scaled("checkout").shares(&journeys[0]), base.shares(&journeys[0]));
    let stored = scaled("checkout\u{1f}treatment");
    assert_eq!(TrainedModel::decode(&stored.encode()).unwrap(), stored);
}

#[test]
fn a_calibrated_data_driven_model_agrees_with_the_lift() {
    let base = trained("data_driven(replicates=0)");
    let TrainedSpec::DataDriven(parameters) = *base.spec() else { panic!("{base:?}") };
    let credit = crate::data_driven_credit(&counts(base.spec(), &rows()), &parameters).unwrap();
    let credit: Vec<crate::ChannelCredit> = credit
        .into_iter()
        .map(|row| crate::ChannelCredit {
            channel: row.channel,
            conversions: row.conversions,
            value_minor: row.value_minor,
        })
        .collect();
    let strongest = credit.iter().max_by(|left, right| left.conversions.total_cmp(&right.conversions)).unwrap();
    let (channel, caused) = (Arc::clone(&strongest.channel), strongest.conversions / 4.0);
    let lift = Lift { channel: Arc::clone(&channel), conversions: caused, lower: 0.0, upper: 2.0 * caused };
    let before = summed(&base);
    let model = base.calibrated(Calibration::fit(&credit, &[lift]).unwrap(), at(0)).unwrap();
    assert!(model.spec().to_string().starts_with("incremental(base=data_driven("), "{}", model.spec());
    for (name, after) in summed(&model) {
        let expected = if *name == *channel { caused } else { before[&name] };
        assert!((after - expected).abs() < 1e-6, "{name}: {after} is not {expected}");
    }
    assert_eq!(TrainedModel::decode(&model.encode()).unwrap(), model);
}

#[test]
fn a_global_form_has_totals_and_no_shares() {
    let counts = counts(&spec("markov"), &rows());
    for text in ["markov(share=global)", "shapley(share=global)"] {
        assert_eq!(TrainedModel::train(spec(text), &counts, at(0)), Err(Undefined::NotPerJourney), "{text}");
    }
    let incremental = TrainedModel::train(spec("incremental(base=linear)"), &counts, at(0));
    assert_eq!(incremental, Err(Undefined::LearnsFromLifts));
}

#[test]
fn a_finer_grain_credits_flag_and_variant() {
    let exposure = |number, millis, variant: &str| Touch {
        kind: TouchKind::Exposure,
        campaign: Some(variant.into()),
        ..touch(number, millis, "checkout")
    };
    let touches = [exposure(1, T0 - 9, "control"), exposure(2, T0 - 5, "treatment")];
    let conversions = [conversion(3, T0)];
    let history = History { touches: &touches, conversions: &conversions, milestones: &[] };
    let rules = JourneyRules { family: TouchKind::Exposure, ..JourneyRules::default() };
    let journeys = history.journeys(&rules);
    let spec = spec("markov(by=campaign)");
    assert_eq!(spec.path_of(&journeys[0]), ["checkout\u{1f}control", "checkout\u{1f}treatment"]);
    let mut counts = PathCounts::new();
    counts.add(["checkout\u{1f}treatment"], Tally { conversions: 9, value_minor: 0, lost: 1 }).unwrap();
    counts.add(["checkout\u{1f}control"], Tally { conversions: 3, value_minor: 0, lost: 7 }).unwrap();
    let model = TrainedModel::train(spec, &counts, at(0)).unwrap();
    assert_eq!(model.shares(&journeys[0]).into_vec(), [SHARE_TOTAL / 4, SHARE_TOTAL / 4 * 3]);
    // A name cannot imitate a token of two parts.
    let sly = touch(1, 0, "checkout\u{1f}treatment");
    assert_eq!(Grain::Channel.token(&sly), "checkout\u{fffd}treatment");
}

#[test]
fn parts_that_are_tiny_beside_other_journeys_divide_their_own() {
    let parts = |values: &[(&str, f64)]| values.iter().map(|(name, part)| (Arc::from(*name), *part)).collect();
    for form in ["markov", "markov(share=per_journey_distinct)"] {
        let learned = Learned::Effects(parts(&[("A", 1e-30), ("B", 3e-30), ("C", 1.0)]));
        let model = TrainedModel { spec: spec(form), effective_from: at(0), learned };
        let shares = with_journey(&["A", "B"], |journey| model.shares(journey).into_vec());
        assert_eq!(shares, [SHARE_TOTAL / 4, SHARE_TOTAL / 4 * 3], "{form}");
    }
    // Nearly everybody converts, so what a token drops is far below a double's last digit at 1, and still its own.
    let by_token = parts(&[("A\u{1f}0", 2f64.ln()), ("B\u{1f}0", 4f64.ln())]);
    let learned = Learned::Logistic(Coefficients { constant: 100.0, by_token });
    let model = TrainedModel { spec: spec("data_driven"), effective_from: at(0), learned };
    let shares = with_journey(&["A", "B", "A"], |journey| model.shares(journey).into_vec());
    // Odds of losing are 1 with both, 2 without A, 4 without B: drops of 1 and 3; that of A is for two touches.
    let near = |share: u32, part: f64| (f64::from(share) / f64::from(SHARE_TOTAL) - part).abs() < 1e-8;
    assert!(near(shares[0], 0.125) && near(shares[1], 0.75) && near(shares[2], 0.125), "{shares:?}");
}

#[test]
fn the_age_of_a_touch_is_part_of_what_data_driven_credit_reads() {
    let touches =
        [touch(1, T0 - 8 * DAY_MS, "a"), touch(2, T0 - 7 * DAY_MS, "a"), touch(3, T0 - DAY_MS, "a"), touch(4, T0, "a")];
    let touches: Vec<&Touch> = touches.iter().collect();
    let path = spec("data_driven").path(&touches, at(T0));
    assert_eq!(path, ["a\u{1f}2", "a\u{1f}1", "a\u{1f}0", "a\u{1f}0"]);
}

#[test]
fn bytes_are_frozen_and_read_back() {
    for text in ["markov", "markov(order=3, share=per_journey_distinct)", "data_driven(replicates=0)"] {
        let model = trained(text);
        assert_eq!(TrainedModel::decode(&model.encode()).unwrap(), model);
        assert_eq!(model.artefact_hash(), trained(text).artefact_hash());
        assert_ne!(model.artefact_hash(), TrainedModel { effective_from: at(T0 + 1), ..model }.artefact_hash());
    }
    let hash: String = trained("markov").artefact_hash().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hash, "703e7fc19892a7986b9bad67d389e8c9bf66b86f439f122a105e1201afb29a86");
}

#[test]
fn what_does_not_fit_the_model_is_refused() {
    let model = trained("markov");
    let refused = |model: &TrainedModel, learned: Learned, why: &str| {
        let bytes = TrainedModel { learned, ..model.clone() }.encode();
        assert!(matches!(TrainedModel::decode(&bytes), Err(InvalidTrainedModel::Learned)), "{why}");
    };
    let effects =
        |parts: &[(&str, f64)]| Learned::Effects(parts.iter().map(|(name, part)| (Arc::from(*name), *part)).collect());
    refused(&model, Learned::Logistic(Coefficients::default()), "of another model");
    refused(&model, Learned::Scaled(Calibration::default(), None), "of another model");
    refused(&model, effects(&[("a", -0.5), ("b", 1.5)]), "no parts");
    refused(&model, effects(&[("a", 0.5), ("b", 0.4)]), "not a whole");
    refused(&model, effects(&[("a", 1.0), ("b", -0.0)]), "another zero");
    refused(&model, effects(&[("", 1.0)]), "no name");
    refused(&model, effects(&[]), "nothing");
    let global = TrainedModel { spec: spec("markov(share=global)"), ..model.clone() };
    refused(&global, model.learned.clone(), "no shares per journey");
    let logistic = |constant, tokens: &[(String, f64)]| {
        let by_token = tokens.iter().map(|(name, value)| (Arc::from(name.as_str()), *value)).collect();
        Learned::Logistic(Coefficients { constant, by_token })
    };
    let of_tokens = |count: usize| (0..count).map(|token| (token.to_string(), 0.5)).collect::<Vec<_>>();
    let data_driven = trained("data_driven(replicates=0)");
    let fits = TrainedModel { learned: logistic(1.0, &of_tokens(999)), ..data_driven.clone() };
    assert_eq!(TrainedModel::decode(&fits.encode()).unwrap(), fits);
    refused(&data_driven, logistic(1.0, &of_tokens(1_000)), "too many");
    refused(&data_driven, logistic(1.0, &[]), "nothing");
    refused(&data_driven, logistic(-0.0, &of_tokens(1)), "another zero");
    refused(&data_driven, logistic(f64::INFINITY, &of_tokens(1)), "no number");
    let rule = TrainedModel::calibrated_rule("linear".parse().unwrap(), Calibration::default(), at(0));
    for (factor, lower, upper, why) in [
        (257.0, 1.0, 300.0, "too large"),
        (1.0, 1.5, 2.0, "outside of its interval"),
        (1.0, 0.5, 0.9, "outside of its interval"),
        (0.0, 2.0, 1.0, "no interval"),
        (0.0, -0.0, 1.0, "another zero"),
    ] {
        let factor = BTreeMap::from([("a".into(), Factor { factor, lower, upper })]);
        refused(&rule, Learned::Scaled(Calibration::of(factor), None), why);
    }
    let harmful = BTreeMap::from([("a".into(), Factor { factor: 0.0, lower: -2.0, upper: -1.0 })]);
    let harmful = TrainedModel { learned: Learned::Scaled(Calibration::of(harmful), None), ..rule };
    assert_eq!(TrainedModel::decode(&harmful.encode()).unwrap(), harmful);
    let rule = TrainedModel::calibrated_rule("linear".parse().unwrap(), Calibration::default(), at(0));
    let learned = Learned::Scaled(
        Calibration::of(BTreeMap::from([("a".into(), Factor { factor: f64::NAN, lower: 0.0, upper: 0.0 })])),
        None,
    );
    let bytes = TrainedModel { learned, ..rule.clone() }.encode();
    assert!(matches!(TrainedModel::decode(&bytes), Err(InvalidTrainedModel::Learned)));
    let mut bytes = rule.encode();
    bytes[0] = 9;
    assert!(matches!(TrainedModel::decode(&bytes), Err(InvalidTrainedModel::Version { found: 9 })));
    let mut bytes = rule.encode();
    bytes.push(0);
    assert!(matches!(TrainedModel::decode(&bytes), Err(InvalidTrainedModel::NotCanonical)));
}

proptest! {
    #[test]
    fn shares_are_the_whole_whatever_the_journey(
        path in prop::collection::vec(prop::sample::select(vec!["A", "B", "C", "new"]), 1..30),
        text in prop::sample::select(vec![
            "markov", "markov(order=2, effect=fail, outcome=value)", "markov(share=per_journey_distinct)",
            "data_driven(replicates=0)",
        ]),
    ) {
        let model = trained(text);
        let shares = with_journey(&path, |journey| model.shares(journey));
        let sum: u64 = shares.as_slice().iter().map(|share| u64::from(*share)).sum();
        prop_assert_eq!((sum, shares.unattributed()), (u64::from(SHARE_TOTAL), 0));
    }

    #[test]
    fn other_bytes_are_refused_or_canonical(place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = trained("data_driven(replicates=0)").encode();
        let place = place.index(bytes.len());
        bytes[place] = byte;
        if let Ok(model) = TrainedModel::decode(&bytes) {
            prop_assert_eq!(model.encode(), bytes);
        }
    }
}
