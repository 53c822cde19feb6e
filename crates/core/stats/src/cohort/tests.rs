use super::*;
use crate::parameter::Alpha;
use proptest::prelude::*;

fn bought(period: i32, net_minor: i64) -> Purchase {
    Purchase { period, net_minor, is_activity: true }
}

fn table(customers: &[&[Purchase]]) -> CohortTable {
    let mut table = CohortTable::default();
    for purchases in customers {
        table.add(&Contribution::of(purchases).unwrap()).unwrap();
    }
    table
}

#[test]
fn a_table_counts_who_came_back_and_what_they_left() {
    let refund = Purchase { period: 4, net_minor: -300, is_activity: false };
    let table = table(&[
        &[bought(5, 200), bought(3, 1000), bought(3, 50)],
        &[bought(3, 700), refund],
        &[bought(4, 900)],
        &[bought(3, 100), bought(8, 100)],
    ]);
    let cohorts: Vec<i32> = table.cohorts().map(|(period, _)| period).collect();
    assert_eq!(cohorts, [3, 4]);
    let (_, march) = table.cohorts().next().unwrap();
    assert_eq!(march.customers(), 3);
    assert_eq!(march.cell(0), CohortCell { customers: 3, last_seen: 1, net_minor: 1850 });
    assert_eq!(march.cell(1), CohortCell { customers: 0, last_seen: 0, net_minor: -300 });
    assert_eq!(march.retention(2), Conversions::new(3, 1));
    assert_eq!(march.repeat_rate(), Conversions::new(3, 2));
    assert_eq!((march.churned_before(1), march.churned_before(3)), (Conversions::new(3, 1), Conversions::new(3, 2)));
    assert_eq!(march.cumulative_net_per_customer(1), Ok(1550.0 / 3.0));
    assert_eq!(Cohort::default().retention(0), Err(Undefined::NoUnits));
}

/// Wilson's interval by hand: z = 1.96, and 1, 0, all of few customers, or of a billion.
#[test]
fn rates_have_errors_and_intervals_at_every_end() {
    let cohort = |customers, active| Cohort {
        customers,
        repeated: active,
        cells: BTreeMap::from([(0, CohortCell { customers: active, last_seen: active, net_minor: 0 })]),
    };
    let square = 1.959_963_984_540_054_f64.powi(2);
    for (customers, active) in [(1, 0), (1, 1), (100, 0), (100, 100), (1_000_000_000, 1), (1_000_000_000, 999_999_999)]
    {
        let rate = cohort(customers, active).retention(0).unwrap();
        let interval = rate.interval(Alpha::FIVE_PERCENT).unwrap();
        assert!(interval.lower() >= 0.0 && interval.lower() <= rate.rate());
        assert!(interval.upper() <= 1.0 && interval.upper() >= rate.rate() && interval.upper() > interval.lower());
        assert!(rate.standard_error() >= 0.0 && rate.standard_error() <= 0.5);
    }
    let none = cohort(100, 0).retention(0).unwrap().interval(Alpha::FIVE_PERCENT).unwrap();
    assert!((none.upper() - square / (100.0 + square)).abs() < 1e-12 && none.lower() == 0.0, "{none:?}");
    let half = cohort(100, 50).repeat_rate().unwrap();
    assert!((half.standard_error() - 0.05).abs() < 1e-15);
}

#[test]
fn nobody_without_a_purchase_is_in_a_cohort() {
    assert_eq!(Contribution::of(&[]), None);
    assert_eq!(Contribution::of(&[Purchase { period: 1, net_minor: -5, is_activity: false }]), None);
    let far = Contribution::of(&[bought(i32::MIN, 1), bought(i32::MAX, 1)]).unwrap();
    assert_eq!(far.cells.keys().copied().collect::<Vec<_>>(), [0, u32::MAX]);
    let mut empty = CohortTable::default();
    assert_eq!(empty.subtract(&far), Err(CohortError::BelowZero { field: "customers" }));
    assert_eq!(empty, CohortTable::default());
}

prop_compose! {
    fn purchases()(all in prop::collection::vec((-5..5_i32, -1000..5000_i64, any::<bool>()), 1..8)) -> Vec<Purchase> {
        all.into_iter().map(|(period, net_minor, is_activity)| Purchase { period, net_minor, is_activity }).collect()
    }
}

proptest! {
    #[test]
    fn what_is_added_can_be_taken_back_and_order_does_not_matter(
        customers in prop::collection::vec(purchases(), 1..12), keep in 0_usize..12,
    ) {
        let all: Vec<Contribution> = customers.iter().filter_map(|one| Contribution::of(one)).collect();
        let (mut forwards, mut backwards, mut kept) = (CohortTable::default(), CohortTable::default(), CohortTable::default());
        all.iter().for_each(|one| forwards.add(one).unwrap());
        all.iter().rev().for_each(|one| backwards.add(one).unwrap());
        prop_assert_eq!(&forwards, &backwards);
        all.iter().skip(keep).for_each(|one| forwards.subtract(one).unwrap());
        all.iter().take(keep).for_each(|one| kept.add(one).unwrap());
        prop_assert_eq!(&forwards, &kept);
    }

    #[test]
    fn tables_merge_to_the_table_of_all_and_are_taken_back(
        customers in prop::collection::vec(purchases(), 1..12), split in 0_usize..12,
    ) {
        let all: Vec<Contribution> = customers.iter().filter_map(|one| Contribution::of(one)).collect();
        let (first, second) = all.split_at(split.min(all.len()));
        let of = |customers: &[Contribution]| {
            let mut table = CohortTable::default();
            customers.iter().for_each(|one| table.add(one).unwrap());
            table
        };
        let (whole, first, second) = (of(&all), of(first), of(second));
        let (mut forth, mut back) = (first.clone(), second.clone());
        forth.merge(&second).unwrap();
        back.merge(&first).unwrap();
        prop_assert_eq!(&forth, &whole);
        prop_assert_eq!(&back, &whole);
        forth.take_back(&second).unwrap();
        prop_assert_eq!(&forth, &first);
        // What was never there cannot be taken back, and nothing of it is.
        if second != CohortTable::default() {
            let mut less = first.clone();
            less.merge(&second).unwrap();
            less.take_back(&whole).unwrap();
            prop_assert_eq!(&less, &CohortTable::default());
            prop_assert!(less.take_back(&second).is_err_and(|error| error.code() == "below_zero"));
            prop_assert_eq!(&less, &CohortTable::default());
        }
    }

    #[test]
    fn money_is_neither_lost_nor_made(customers in prop::collection::vec(purchases(), 1..12)) {
        let counted: Vec<&Vec<Purchase>> =
            customers.iter().filter(|one| one.iter().any(|purchase| purchase.is_activity)).collect();
        let total: i64 = counted.iter().flat_map(|one| one.iter()).map(|purchase| purchase.net_minor).sum();
        let mut all = CohortTable::default();
        counted.iter().for_each(|one| all.add(&Contribution::of(one).unwrap()).unwrap());
        let kept: i128 = all.cohorts().flat_map(|(_, cohort)| cohort.cells.values()).map(|cell| cell.net_minor).sum();
        prop_assert_eq!(kept, i128::from(total));
        for (_, cohort) in all.cohorts() {
            let gone = cohort.churned_before(u32::MAX).unwrap();
            prop_assert_eq!(gone.x(), gone.n());
        }
    }
}
