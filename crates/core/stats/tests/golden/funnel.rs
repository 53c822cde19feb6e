//! Funnels: rules by example, depth against a search over all ways, tallies under replacement.

use proptest::prelude::*;
use stats::Alpha;
use stats::funnel::{
    Funnel, FunnelError, Limit, Occurrence, Order, Progress, STEPS_MAX, StepSet, Tally, TallyError, compare,
};

fn funnel(steps: usize, order: Order, limit: Limit) -> Funnel {
    Funnel::new(steps, order, limit).unwrap()
}

/// Letters are steps (`a` the first), `.` is another event; a digit names the session from there on. One per second.
fn history(text: &str) -> Vec<Occurrence> {
    let mut session = 0;
    let mut events = Vec::new();
    for letter in text.chars() {
        if let Some(digit) = letter.to_digit(10) {
            session = u64::from(digit);
            continue;
        }
        let steps = if letter == '.' { StepSet::NONE } else { StepSet::NONE.with(letter as usize - 'a' as usize) };
        events.push(Occurrence { at_ms: events.len() as i64 * 1000, session, steps });
    }
    events
}

fn seconds(funnel: &Funnel, text: &str) -> Vec<i64> {
    funnel.walk(&history(text)).unwrap().times_ms().iter().map(|time| time / 1000).collect()
}

#[test]
fn a_loose_order_allows_other_events_between() {
    let wide = funnel(3, Order::Loose, Limit::WindowMs(3_600_000));
    assert_eq!(seconds(&wide, "a..b.c"), [0, 3, 5]);
    assert_eq!(seconds(&wide, "cba"), [2]);
    assert_eq!(seconds(&wide, "bcac"), [2]);
    assert_eq!(seconds(&wide, "...."), [0_i64; 0]);
    // The attempt begun last has the most time left, and the first to finish counts.
    assert_eq!(seconds(&wide, "aabcbc"), [1, 2, 3]);
}

#[test]
fn a_strict_order_forgives_nothing_between() {
    let strict = funnel(3, Order::Strict, Limit::WindowMs(3_600_000));
    assert_eq!(seconds(&strict, "a.bc"), [0]);
    assert_eq!(seconds(&strict, "aabc"), [1, 2, 3]);
    assert_eq!(seconds(&strict, "ab.abc"), [3, 4, 5]);
    assert_eq!(seconds(&strict, "ab.ac"), [0, 1]);
}

#[test]
fn a_window_is_closed_at_its_end_and_a_later_attempt_may_fit() {
    let within = |window_ms| funnel(3, Order::Loose, Limit::WindowMs(window_ms));
    assert_eq!(seconds(&within(4000), "ab..c"), [0, 1, 4]);
    assert_eq!(seconds(&within(3999), "ab..c"), [0, 1]);
    assert_eq!(seconds(&within(2000), "a..abc"), [3, 4, 5]);
    assert_eq!(seconds(&within(0), "abc"), [0]);
}

#[test]
fn a_session_keeps_its_own_attempts() {
    let session = funnel(3, Order::Loose, Limit::Session);
    assert_eq!(seconds(&session, "1ab2c"), [0, 1]);
    assert_eq!(seconds(&session, "1ab2c1c"), [0, 1, 3]);
    assert_eq!(seconds(&session, "2ab1ab"), [0, 1]);
    let strict = funnel(3, Order::Strict, Limit::Session);
    assert_eq!(seconds(&strict, "1ab2.1c"), [0, 1, 3]);
}

#[test]
fn one_event_is_one_step_of_an_attempt() {
    let view = StepSet::NONE.with(0).with(1);
    let twice = |count: i64| -> Vec<Occurrence> {
        (0..count).map(|at| Occurrence { at_ms: at, session: 0, steps: view }).collect()
    };
    for order in [Order::Loose, Order::Strict] {
        let funnel = funnel(2, order, Limit::WindowMs(10));
        assert_eq!(funnel.walk(&twice(1)).unwrap().steps(), 1);
        assert_eq!(funnel.walk(&twice(2)).unwrap().times_ms(), [0, 1]);
    }
}

#[test]
fn degenerate_funnels_have_named_reasons() {
    assert_eq!(Funnel::new(0, Order::Loose, Limit::Session), Err(FunnelError::Steps { given: 0 }));
    assert_eq!(
        Funnel::new(STEPS_MAX + 1, Order::Loose, Limit::Session),
        Err(FunnelError::Steps { given: STEPS_MAX + 1 })
    );
    assert_eq!(Funnel::new(1, Order::Loose, Limit::WindowMs(-1)), Err(FunnelError::Window { given_ms: -1 }));
    let mut backwards = history("ab");
    backwards.reverse();
    let one = funnel(1, Order::Loose, Limit::Session);
    assert_eq!(one.walk(&backwards), Err(FunnelError::OutOfOrder { place: 1 }));
    let far = |at_ms| Occurrence { at_ms, session: 0, steps: StepSet::NONE.with(0).with(1) };
    let wide = funnel(2, Order::Loose, Limit::WindowMs(i64::MAX));
    assert_eq!(wide.walk(&[far(i64::MIN), far(i64::MAX)]).unwrap().duration_ms(), Some(i64::MAX));
    assert!(!StepSet::NONE.with(STEPS_MAX).contains(STEPS_MAX));
    let mut short = Tally::new(&one).unwrap();
    let long = wide.walk(&history("ab")).unwrap();
    assert_eq!(short.add(&long), Err(TallyError::StepsDiffer { given: 2, wanted: 1 }));
    assert_eq!(short.subtract(&Progress::default()), Err(TallyError::BelowZero));
}

#[test]
fn a_tally_reads_rates_drops_and_times() {
    let loose = funnel(3, Order::Loose, Limit::WindowMs(3_600_000));
    let tally = |texts: &[&str]| {
        let mut tally = Tally::new(&loose).unwrap();
        texts.iter().for_each(|text| tally.add(&loose.walk(&history(text)).unwrap()).unwrap());
        tally
    };
    let control = tally(&["abc", "a.b", "a", ".", "a..b", "b"]);
    assert_eq!((control.units(), control.entered(), control.completed()), (6, 4, 1));
    let read = control.read();
    assert_eq!(read.iter().map(|step| (step.reached, step.dropped)).collect::<Vec<_>>(), [(4, 2), (3, 1), (1, 2)]);
    assert_eq!((read[1].rate_of_units, read[1].rate_of_previous), (Ok(0.5), Ok(0.75)));
    assert!(read[0].median_from_previous_ms.is_err());
    let median = read[1].median_from_previous_ms.unwrap();
    assert!((median - 2000).abs() <= 8, "{median}");
    assert_eq!(control.to_finish_ms().n(), 1);
    let treatment = tally(&["abc", "abc", "abc", "ab", "a", "."]);
    let steps = compare(&control, &treatment, Alpha::FIVE_PERCENT).unwrap();
    assert!((steps[2].of_units.as_ref().unwrap().difference - 2.0 / 6.0).abs() < 1e-15);
    assert!((steps[2].of_previous.as_ref().unwrap().difference - (3.0 / 4.0 - 1.0 / 3.0)).abs() < 1e-15);
    let other = Tally::new(&funnel(2, Order::Loose, Limit::Session)).unwrap();
    assert!(compare(&control, &other, Alpha::FIVE_PERCENT).is_err());
    let nobody = Tally::new(&loose).unwrap();
    assert!(compare(&control, &nobody, Alpha::FIVE_PERCENT).unwrap()[0].of_units.is_err());
}

/// The depth by trying every way.
fn depth(events: &[Occurrence], steps: usize, window_ms: i64, strict: bool) -> usize {
    fn from(events: &[Occurrence], next: usize, step: usize, steps: usize, end_ms: i64, strict: bool) -> usize {
        if step == steps {
            return step;
        }
        let candidates = events.iter().enumerate().skip(next).take(if strict { 1 } else { usize::MAX });
        let on = candidates.filter(|(_, event)| event.steps.contains(step) && event.at_ms <= end_ms);
        on.map(|(place, _)| from(events, place + 1, step + 1, steps, end_ms, strict)).max().unwrap_or(step)
    }
    let starts = events.iter().enumerate().filter(|(_, event)| event.steps.contains(0));
    starts.map(|(place, event)| from(events, place + 1, 1, steps, event.at_ms + window_ms, strict)).max().unwrap_or(0)
}

prop_compose! {
    fn events()(raw in prop::collection::vec((0..4_i64, 0..16_u8, 0..3_u64), 0..14)) -> Vec<Occurrence> {
        let mut at_ms = 0;
        raw.into_iter().map(|(gap, mask, session)| {
            at_ms += gap;
            let steps = (0..4).filter(|step| mask & (1 << step) != 0).fold(StepSet::NONE, StepSet::with);
            Occurrence { at_ms, session, steps }
        }).collect()
    }
}

proptest! {
    #[test]
    fn depth_is_the_best_of_all_ways(events in events(), steps in 1..5_usize, window_ms in 0..20_i64, strict: bool) {
        let order = if strict { Order::Strict } else { Order::Loose };
        let got = funnel(steps, order, Limit::WindowMs(window_ms)).walk(&events).unwrap();
        prop_assert_eq!(got.steps(), depth(&events, steps, window_ms, strict));
        prop_assert!(got.duration_ms().unwrap_or(0) <= window_ms && got.between_ms().all(|time| time >= 0));
        let sessions: Vec<usize> = (0..3).map(|session| {
            let own: Vec<Occurrence> = events.iter().filter(|event| event.session == session).copied().collect();
            depth(&own, steps, 1_000_000, strict)
        }).collect();
        let within = funnel(steps, order, Limit::Session).walk(&events).unwrap();
        prop_assert_eq!(Some(within.steps()), sessions.into_iter().max());
    }

    #[test]
    fn a_tally_forgets_what_is_taken_back(all in prop::collection::vec(events(), 1..10), replaced in 0..10_usize) {
        let loose = funnel(4, Order::Loose, Limit::WindowMs(30));
        let ways: Vec<Progress> = all.iter().map(|events| loose.walk(events).unwrap()).collect();
        let (mut kept, mut wanted, mut rest) = (Tally::new(&loose).unwrap(), Tally::new(&loose).unwrap(), Tally::new(&loose).unwrap());
        ways.iter().for_each(|way| kept.add(way).unwrap());
        ways.iter().take(replaced).for_each(|way| kept.subtract(way).unwrap());
        ways.iter().skip(replaced).for_each(|way| wanted.add(way).unwrap());
        prop_assert_eq!(&kept, &wanted);
        ways.iter().take(replaced).for_each(|way| rest.add(way).unwrap());
        rest.merge(&wanted).unwrap();
        prop_assert_eq!(rest.units(), ways.len() as u64);
    }
}
