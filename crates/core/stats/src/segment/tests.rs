use super::*;
use crate::moments::Moments;
use crate::welch::welch;
use proptest::prelude::*;

fn segment(n: u64, effect: f64) -> Segment {
    let arm = |mean: f64| Moments::new(n, mean, 4.0).unwrap();
    let estimate = welch(arm(10.0), arm(10.0 + effect), Alpha::FIVE_PERCENT).and_then(|both| both.absolute);
    Segment { n_a: n, n_b: n, estimate }
}

fn report(list: &[Segment]) -> SegmentReport {
    segments(list, Correction::Holm, Alpha::FIVE_PERCENT).unwrap()
}

fn alerts(list: &[Segment]) -> Vec<Option<SegmentAlert>> {
    report(list).segments.iter().map(|segment| segment.alert).collect()
}

#[test]
fn the_one_that_differs_is_named_with_its_side() {
    let alike = [segment(5000, 0.1), segment(5000, 0.12), segment(5000, 0.09)];
    assert_eq!(alerts(&alike), [None; 3]);
    let [first, second, third] = alike;
    let positive = Some(SegmentAlert::PositiveDivergence);
    assert_eq!(alerts(&[first, second, third, segment(5000, 0.6)]), [None, None, None, positive]);
    let negative = Some(SegmentAlert::NegativeDivergence);
    assert_eq!(alerts(&[first, second, third, segment(5000, -0.6)]), [None, None, None, negative]);
}

#[test]
fn of_two_that_disagree_both_diverge_and_several_outliers_are_found() {
    let (positive, negative) = (Some(SegmentAlert::PositiveDivergence), Some(SegmentAlert::NegativeDivergence));
    assert_eq!(alerts(&[segment(5000, 0.5), segment(5000, 0.0)]), [positive, negative]);
    let mut many = vec![segment(5000, 0.1); 8];
    many.extend([segment(5000, 0.9), segment(5000, -0.4), segment(2000, 0.7)]);
    let got = alerts(&many);
    assert_eq!(got[..8], [None; 8]);
    assert_eq!(got[8..], [positive, negative, positive]);
    let sizes = report(&many).segments.iter().filter_map(|one| one.divergence_p).filter(|p| *p <= 0.05).count();
    assert_eq!(sizes, 3);
}

#[test]
fn small_segments_are_told_apart_from_alike_ones() {
    let got = report(&[segment(5000, 0.1), segment(400, 3.0), segment(99, 3.0), segment(5000, 0.1)]);
    let insufficient = Some(SegmentAlert::InsufficientData);
    assert_eq!(got.segments.iter().map(|one| one.alert).collect::<Vec<_>>(), [None, insufficient, insufficient, None]);
    assert!(got.segments[1].decided.unwrap().rejected);
    assert_eq!(got.segments[2].estimate, Err(Undefined::TooFewUnits { units: 99, needed: 100 }));
    assert_eq!((got.segments[2].decided, got.segments[1].divergence_p), (None, None));
}

#[test]
fn few_segments_have_nothing_to_differ_from() {
    let none = report(&[]);
    assert_eq!((none.segments.len(), none.heterogeneity), (0, Err(Undefined::NoGroups)));
    let one = report(&[segment(5000, 3.0)]);
    assert_eq!((one.segments[0].alert, one.segments[0].divergence_p), (None, None));
    assert!(one.segments[0].decided.unwrap().rejected);
}

proptest! {
    #[test]
    fn a_divergence_needs_disagreement_and_corrections_only_raise_p(
        effects in prop::collection::vec((50_u64..3000, -0.5..0.5_f64), 0..12),
    ) {
        let list: Vec<Segment> = effects.iter().map(|(n, effect)| segment(*n, *effect)).collect();
        let got = report(&list);
        prop_assert_eq!(got.segments.len(), list.len());
        let differ = got.heterogeneity.is_ok_and(|found| found.p <= 0.05);
        for reading in &got.segments {
            let diverges = matches!(reading.alert, Some(SegmentAlert::PositiveDivergence | SegmentAlert::NegativeDivergence));
            prop_assert!(!diverges || differ);
            if let (Ok(estimate), Some(decided)) = (reading.estimate, reading.decided) {
                prop_assert!(decided.adjusted_p >= estimate.p.two_sided);
                let interval = estimate.interval_at(decided.interval_alpha).unwrap();
                if (decided.adjusted_p - 0.05).abs() > 1e-9 {
                    prop_assert_eq!(decided.rejected, interval.lower() > 0.0 || interval.upper() < 0.0);
                }
            }
        }
    }
}
