//! Tallies at their ends: nobody, everybody, one, a billion, and what cannot be taken back.

use super::*;
use crate::parameter::Alpha;
use crate::undefined::Undefined;

fn funnel(steps: usize) -> Funnel {
    Funnel::new(steps, Order::Loose, Limit::WindowMs(i64::MAX)).unwrap()
}

/// A unit that did a step at each of these times.
fn unit(funnel: &Funnel, times_ms: &[i64]) -> Progress {
    let event =
        |(step, at_ms): (usize, &i64)| Occurrence { at_ms: *at_ms, session: 0, steps: StepSet::NONE.with(step) };
    funnel.walk(&times_ms.iter().enumerate().map(event).collect::<Vec<_>>()).unwrap()
}

#[test]
fn what_cannot_be_taken_back_changes_nothing() {
    let funnel = funnel(4);
    let mut tally = Tally::new(&funnel).unwrap();
    for times_ms in [[0, 10, 20, 30], [0, 10, 25, 90]] {
        tally.add(&unit(&funnel, &times_ms)).unwrap();
    }
    let before = tally.clone();
    // Counts of such a unit are there and its first times, too, but not its last or its whole.
    for never_added in [[0, 10, 20, 5000], [0, 10, 25, 35], [0, 10, 7777, 7787]] {
        let error = tally.subtract(&unit(&funnel, &never_added)).unwrap_err();
        assert_eq!(error.code(), "times");
        assert_eq!(tally, before);
    }
    tally.subtract(&unit(&funnel, &[0, 10, 25, 90])).unwrap();
    tally.subtract(&unit(&funnel, &[0, 10, 20, 30])).unwrap();
    assert_eq!(tally, Tally::new(&funnel).unwrap());
    assert_eq!(tally.subtract(&Progress::default()).map_err(TallyError::code), Err("below_zero"));
}

#[test]
fn nobody_everybody_one_and_a_billion_have_rates_or_reasons() {
    let funnel = funnel(2);
    let none = Tally::new(&funnel).unwrap();
    for step in none.read() {
        assert_eq!((step.of_units(), step.of_previous()), (Err(Undefined::NoUnits), Err(Undefined::NoUnits)));
        assert_eq!(
            (step.rate_of_units, step.median_from_previous_ms),
            (Err(Undefined::NoUnits), Err(Undefined::NoUnits))
        );
    }
    let of = |times_ms: &[i64]| {
        let mut tally = none.clone();
        tally.add(&unit(&funnel, times_ms)).unwrap();
        tally
    };
    let (entered, finished) = (of(&[5]), of(&[5, i64::MAX]));
    let mut many = finished.clone();
    while many.units() < 1_000_000_000 {
        let more = many.clone();
        many.merge(&more).unwrap();
    }
    for (tally, wanted) in [(&entered, 0.0), (&finished, 1.0), (&many, 1.0)] {
        let last = &tally.read()[1];
        let (of_units, of_previous) = (last.of_units().unwrap(), last.of_previous().unwrap());
        assert_eq!((last.rate_of_units, of_units.rate(), of_previous.rate()), (Ok(wanted), wanted, wanted));
        assert_eq!((of_units.standard_error(), of_units.n(), last.previous), (0.0, tally.units(), tally.units()));
        let interval = of_units.interval(Alpha::FIVE_PERCENT).unwrap();
        assert!(0.0 <= interval.lower() && interval.lower() < interval.upper() && interval.upper() <= 1.0);
    }
    for (a, b) in [(&none, &many), (&entered, &many), (&finished, &finished), (&many, &many)] {
        for step in compare(a, b, Alpha::FIVE_PERCENT).unwrap() {
            for read in [step.of_units, step.of_previous].into_iter().flatten() {
                assert!(read.difference.is_finite() && read.standard_error.is_finite());
            }
        }
    }
}
