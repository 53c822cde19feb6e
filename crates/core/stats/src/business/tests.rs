use super::*;
use crate::ltv::Prediction;
use crate::moments::Moments;
use crate::proportion::{Conversions, two_proportion};
use crate::welch::welch;
use proptest::prelude::*;

/// 50,000 against 50,000 exposed, 2,500 against 2,850 conversions, 30 days; 80 hours at 150, 500 of infrastructure, 200
/// a month; orders of 100 of which 0.3 are kept.
fn example(costs: Costs) -> Roi {
    let arm = |x| Conversions::new(50_000, x).unwrap();
    let compared = two_proportion(arm(2500), arm(2850), Alpha::FIVE_PERCENT).unwrap();
    let effect = compared.comparison(Alpha::FIVE_PERCENT).absolute.unwrap();
    roi(&effect, compared.rate_a, Worth::new(100.0, 0.3).unwrap(), costs, 30.0, Alpha::FIVE_PERCENT).unwrap()
}

fn costs() -> Costs {
    Costs::new(80.0, 150.0, 500.0, 200.0).unwrap()
}

fn close(got: f64, wanted: f64) {
    assert!((got - wanted).abs() <= 1e-9 * wanted.abs().max(1.0), "{got}, wanted {wanted}");
}

#[test]
fn the_worked_example_comes_out() {
    let got = example(costs());
    close(got.incremental.estimate, 350.0);
    close(got.revenue.estimate, 35_000.0);
    close(got.profit.estimate, 10_500.0);
    close(got.implementation_cost, 12_500.0);
    close(got.running_cost, 200.0);
    close(got.net_benefit.estimate, -2200.0);
    close(got.return_on_investment.unwrap().estimate, -2200.0 / 12_700.0);
    close(got.payback_days.estimate.unwrap(), 12_500.0 / (10_300.0 / 30.0));
    close(got.payback_days_for_all.estimate.unwrap(), 12_500.0 / (20_800.0 / 30.0));
    close(got.annual_profit.estimate, 255_500.0);
    close(got.annual_return.unwrap().estimate, (255_500.0 - 2400.0) / 12_500.0);
    close(got.break_even_lift.unwrap(), 12_700.0 / 30.0 / 2500.0);
    close(got.break_even_lift_of_implementation.unwrap(), 1.0 / 6.0);
}

#[test]
fn intervals_are_those_of_the_effect() {
    let got = example(costs());
    let error = (0.05 * 0.95 / 50_000.0 + 0.057 * 0.943 / 50_000.0_f64).sqrt();
    let half_width = 1.959_963_984_540_054 * error;
    close(got.incremental.standard_error, 50_000.0 * error);
    close(got.return_on_investment.unwrap().standard_error, 1_500_000.0 * error / 12_700.0);
    assert_eq!((got.method.code(), got.n_a, got.n_b), ("two_proportion", 50_000, 50_000));
    close(got.incremental.interval.lower(), 50_000.0 * (0.007 - half_width));
    close(got.net_benefit.interval.upper(), 1_500_000.0 * (0.007 + half_width) - 12_700.0);
    let needed = 12_700.0 / 1_500_000.0;
    close(got.chance_of_benefit, normal_sf((needed - 0.007) / error));
    let Payback { estimate, soonest, latest } = got.payback_days;
    assert!(soonest < estimate && estimate < latest);
    assert!(got.return_on_investment.unwrap().interval.upper() > 0.0);
}

#[test]
fn what_costs_nothing_or_earns_nothing_has_no_return_and_no_payback() {
    let free = example(Costs::new(0.0, 0.0, 0.0, 0.0).unwrap());
    assert_eq!(free.return_on_investment, Err(Undefined::ZeroDenominator));
    assert_eq!((free.payback_days.estimate, free.break_even_lift), (Some(0.0), Ok(0.0)));
    let dear = example(Costs::new(0.0, 0.0, 10.0, 1e9).unwrap());
    assert_eq!(dear.payback_days, Payback { estimate: None, soonest: None, latest: None });
    let arm = |mean: f64| Moments::new(100, mean, 1.0).unwrap();
    let both = welch(arm(0.0), arm(1.0), Alpha::FIVE_PERCENT).unwrap();
    let worth = Worth::new(1.0, 1.0).unwrap();
    let no_baseline = roi(&both.absolute.unwrap(), 0.0, worth, costs(), 30.0, Alpha::FIVE_PERCENT).unwrap();
    assert_eq!(no_baseline.break_even_lift, Err(Undefined::ZeroBaseline));
    let both = welch(arm(1.0), arm(2.0), Alpha::FIVE_PERCENT).unwrap();
    let at = |days| roi(&both.absolute.unwrap(), 1.0, worth, costs(), days, Alpha::FIVE_PERCENT);
    assert_eq!([at(0.0), at(f64::NAN)], [Err(Undefined::OutOfRange); 2]);
    let relative = roi(&both.relative.unwrap(), 1.0, worth, costs(), 30.0, Alpha::FIVE_PERCENT);
    assert_eq!(relative, Err(Undefined::OutOfRange));
    assert!(Costs::new(-1.0, 1.0, 0.0, 0.0).is_err() && Costs::new(1e308, 1e308, 0.0, 0.0).is_err());
    assert!(Worth::new(0.0, 0.5).is_err() && Worth::new(1.0, 1.5).is_err());
}

#[test]
fn growth_ratios() {
    let revenue = Moments::new(200, 30.0, 400.0).unwrap();
    let worth = |estimate: f64, standard_error: f64| {
        let interval = Interval::around(estimate, 1.96 * standard_error).unwrap();
        Some(Prediction { estimate, standard_error, interval, customers: 500 })
    };
    let got = acquisition(2000.0, Ok(revenue), 200, worth(45.0, 4.5), Alpha::FIVE_PERCENT).unwrap();
    close(got.cost_per_customer.unwrap().estimate, 10.0);
    close(got.return_on_spend.unwrap().estimate, 3.0);
    close(got.cost_per_customer.unwrap().standard_error, 10.0 / 200_f64.sqrt());
    close(got.return_on_spend.unwrap().standard_error, 0.1 * 2_f64.sqrt());
    let ratio = got.value_over_cost.unwrap();
    close(ratio.estimate, 4.5);
    // Relative errors of 10 % and of 1 over the root of 200.
    let relative = (0.01_f64 + 1.0 / 200.0).sqrt();
    close(ratio.standard_error, 4.5 * relative);
    close(ratio.interval.upper(), 4.5 * libm::exp(1.959_963_984_540_054 * relative));
    close(ratio.interval.lower() * ratio.interval.upper(), 4.5 * 4.5);
    let worthless = acquisition(2000.0, Ok(revenue), 200, worth(0.0, 2.0), Alpha::FIVE_PERCENT).unwrap();
    close(worthless.value_over_cost.unwrap().interval.upper(), 0.2 * 1.959_963_984_540_054);
    assert!(got.return_on_spend.unwrap().interval.lower() < 3.0);
    let nobody = acquisition(2000.0, Err(Undefined::NoUnits), 0, None, Alpha::FIVE_PERCENT).unwrap();
    assert_eq!(nobody.cost_per_customer, Err(Undefined::ZeroDenominator));
    assert_eq!((nobody.return_on_spend, nobody.value_over_cost), (Err(Undefined::NoUnits), Err(Undefined::NoUnits)));
    let unpaid = acquisition(0.0, Ok(revenue), 200, worth(1.0, 0.0), Alpha::FIVE_PERCENT).unwrap();
    assert_eq!(
        (unpaid.return_on_spend, unpaid.value_over_cost),
        (Err(Undefined::ZeroDenominator), Err(Undefined::ZeroDenominator))
    );
    assert!(acquisition(-1.0, Ok(revenue), 1, None, Alpha::FIVE_PERCENT).is_err());
    let wrong = Some(Prediction { estimate: f64::NAN, ..worth(1.0, 1.0).unwrap() });
    assert!(acquisition(1.0, Ok(revenue), 1, wrong, Alpha::FIVE_PERCENT).is_err());
    // What a single customer cost, or one of a billion.
    for customers in [1, 1_000_000_000] {
        let cost = acquisition(1e9, Err(Undefined::NoUnits), customers, None, Alpha::FIVE_PERCENT).unwrap();
        let cost = cost.cost_per_customer.unwrap();
        assert!(cost.interval.lower() > 0.0 && cost.interval.upper().is_finite() && cost.standard_error > 0.0);
    }
}

#[test]
fn referrals() {
    // 100 users, 40 of whom brought one each, from 160 invitations.
    let values: Vec<f64> = (0..100).map(|user| f64::from(u8::from(user < 40))).collect();
    let accepted = Moments::of_values(&values).unwrap();
    let got = k_factor(accepted, 160, Alpha::FIVE_PERCENT).unwrap();
    close(got.k.estimate, 0.4);
    close(got.invitations_per_user, 1.6);
    close(got.acceptance.unwrap(), 0.25);
    assert!(got.k.interval.lower() > 0.29 && got.k.interval.upper() < 0.51);
    assert_eq!(k_factor(accepted, 30, Alpha::FIVE_PERCENT), Err(Undefined::NotConversions));
    let silent = k_factor(Moments::new(5, 0.0, 0.0).unwrap(), 0, Alpha::FIVE_PERCENT).unwrap();
    assert_eq!((silent.k.estimate, silent.acceptance), (0.0, Err(Undefined::ZeroDenominator)));
}

proptest! {
    #[test]
    fn no_number_is_infinite(
        mean in -1e6..1e6_f64, effect in -1e6..1e6_f64, hours in 0.0..1e6_f64, rate in 0.0..1e4_f64, monthly in 0.0..1e9_f64,
        worth in 1e-6..1e9_f64, margin in 0.001..=1.0_f64, days in 0.01..1e4_f64,
    ) {
        let arm = |mean: f64| Moments::new(1000, mean, 25.0).unwrap();
        let both = welch(arm(mean), arm(mean + effect), Alpha::FIVE_PERCENT).unwrap().absolute.unwrap();
        let costs = Costs::new(hours, rate, 0.0, monthly).unwrap();
        if let Ok(got) = roi(&both, mean, Worth::new(worth, margin).unwrap(), costs, days, Alpha::FIVE_PERCENT) {
            for ranged in [Some(got.profit), Some(got.net_benefit), got.return_on_investment.ok(), got.annual_return.ok()].into_iter().flatten() {
                prop_assert!(ranged.estimate.is_finite() && ranged.interval.lower().is_finite() && ranged.interval.upper().is_finite());
            }
            prop_assert!((0.0..=1.0).contains(&got.chance_of_benefit));
            let Payback { estimate, soonest, latest } = got.payback_days;
            prop_assert!(estimate.is_none_or(|days| soonest.unwrap() <= days && days.is_finite()));
            prop_assert!(latest.is_none_or(|days| days >= estimate.unwrap()));
        }
    }
}
