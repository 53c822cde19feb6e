use journal::MemoryTopic;
use store::Database;
use tempfile::TempDir;

use super::*;
use crate::fixture::{
    T0, closed_by_any, deliver, exposure, id, live_shares, person_events, published, purchase, settle, signup, touch,
};

const ALICE: &str = "u:alice";
const SOON: Duration = Duration::from_secs(30);

/// Revenue that says always the same, or nothing.
struct FixedRevenue(Option<MoneyCredit>);

#[async_trait]
impl RevenueCredit for FixedRevenue {
    async fn credit(&self, _model: &str) -> Result<MoneyCredit, api::Problem> {
        let down = || api::Problem::Unavailable { what: "down".into(), retry_after: Duration::from_secs(3) };
        self.0.clone().ok_or_else(down)
    }
}

fn one_sale() -> MoneyCredit {
    let cell = MoneyCell {
        channel: "email".into(),
        currency: "USD".into(),
        conversions_micro: 1_000_000,
        gross_minor: 900,
        net_minor: 800,
        ..MoneyCell::default()
    };
    MoneyCredit { cells: vec![cell], lag: Lag { pending_records: 2, oldest_ms: 40 } }
}

async fn open(folder: &TempDir, topic: &Arc<MemoryTopic>, revenue: Option<MoneyCredit>) -> Service {
    let path = folder.path().join("attribution.db");
    let database = Database::open_sqlite::<migrations::attribution::Migrator>(&path).await.unwrap();
    Service::open(database, closed_by_any(), Arc::clone(topic) as _, FixedRevenue(revenue)).await.unwrap()
}

fn feed(topic: &MemoryTopic) {
    let events = [
        exposure(1, T0),
        touch(2, T0 + 1, "email", "spring"),
        touch(3, T0 + 2, "display", ""),
        purchase(4, T0 + 3, "t:T1"),
        signup(5, T0 + 4, 70, "EUR"),
        touch(6, T0 + 5, "social", "spring"),
        signup(7, T0 + 6, 30, "EUR"),
    ];
    deliver(topic, events.iter().map(|event| published(ALICE, event)));
}

#[tokio::test]
async fn a_person_s_journeys_show_every_touch_with_its_shares() {
    let (folder, topic) = (TempDir::new().unwrap(), person_events());
    let service = open(&folder, &topic, None).await;
    feed(&topic);
    settle(service.stage().as_ref()).await;
    let journeys = service.journeys(ALICE).await.unwrap();
    let conversions: Vec<_> = journeys.iter().map(|journey| journey.conversion.event_id).collect();
    assert_eq!(conversions, [id(4), id(5), id(7)]);
    assert_eq!(journeys[0].conversion.transaction.as_deref(), Some("t:T1"));
    assert_eq!(journeys.iter().map(|journey| journey.touches.len()).collect::<Vec<_>>(), [2, 0, 1]);
    for model in 0..service.models().len() {
        assert_eq!(journeys[0].touches.iter().map(|touch| touch.shares[model]).sum::<u32>(), 1 << 30);
    }
    assert_eq!(service.totals().await.unwrap(), Totals { conversions: 3, zero_touch: 1, with_money: 1 });
    assert!(matches!(service.journeys("u:nobody").await, Err(Error::UnknownPerson { .. })));
    assert!(matches!(service.journeys("alice").await, Err(Error::UnreadablePerson { .. })));
}

#[tokio::test]
async fn a_report_adds_revenue_s_credit_to_its_own_and_survives_a_restart() {
    let (folder, topic) = (TempDir::new().unwrap(), person_events());
    let service = open(&folder, &topic, Some(one_sale())).await;
    feed(&topic);
    settle(service.stage().as_ref()).await;
    let report = service.report("linear", GroupBy::Channel).await.unwrap();
    let amount =
        |currency: &str, gross_minor, net_minor| CreditAmount { currency: currency.into(), gross_minor, net_minor };
    let row = |key: &str, conversions_micro, credit| CreditRow { key: key.into(), conversions_micro, credit };
    assert_eq!(
        report.rows,
        [
            row("(unattributed)", 1_000_000, vec![amount("EUR", 70, 70)]),
            row("email", 1_000_000, vec![amount("USD", 900, 800)]),
            row("social", 1_000_000, vec![amount("EUR", 30, 30)]),
        ]
    );
    assert_eq!(report.lag, Lag { pending_records: 2, oldest_ms: 40 });
    let by_campaign = service.report("linear", GroupBy::Campaign).await.unwrap();
    let keys: Vec<_> = by_campaign.rows.iter().map(|row| row.key.as_str()).collect();
    assert_eq!(keys, ["(none)", "(unattributed)", "spring"]);

    drop(service);
    let again = open(&folder, &topic, Some(one_sale())).await;
    settle(again.stage().as_ref()).await;
    assert_eq!(again.report("linear", GroupBy::Channel).await.unwrap(), report);
    let published = again.shares().read(&journal::Progress::default(), 100).await.unwrap();
    assert_eq!((published.len(), live_shares(&published).len()), (3, 3));
}

#[tokio::test]
async fn there_is_no_report_without_revenue_or_of_a_model_that_does_not_run() {
    let (folder, topic) = (TempDir::new().unwrap(), person_events());
    let service = open(&folder, &topic, None).await;
    let problem = |answer: Result<Report, Error>| api::Problem::from(answer.unwrap_err());
    let down = problem(service.report("linear", GroupBy::Channel).await);
    assert_eq!(down.retry_after(), Some(Duration::from_secs(3)));
    let unknown = problem(service.report("markov", GroupBy::Channel).await);
    assert!(matches!(&unknown, api::Problem::NotFound { what } if what.contains("time_decay(factor=0.85/d)")));
    let unreadable = problem(service.report("linear(", GroupBy::Channel).await);
    assert_eq!(unreadable.violations()[0].field, "model");
}

#[tokio::test]
async fn waiting_ends_when_the_positions_are_attributed() {
    let (folder, topic) = (TempDir::new().unwrap(), person_events());
    let service = open(&folder, &topic, None).await;
    feed(&topic);
    assert!(matches!(service.caught_up(vec![], Duration::ZERO).await, Err(Error::TooLate)));
    settle(service.stage().as_ref()).await;
    let heads = service.caught_up(vec![], SOON).await.unwrap();
    assert!(heads.iter().all(|head| head.topic == Topic::Shares));
    assert_eq!(heads.iter().map(|head| head.offset).sum::<u64>(), 3);
    let elsewhere = Position { topic: Topic::Money, partition: 0, offset: 9 };
    assert_eq!(service.caught_up(vec![elsewhere], SOON).await.unwrap(), heads);
    let ahead = Position { topic: Topic::PersonEvents, partition: 0, offset: 99 };
    assert!(matches!(service.caught_up(vec![ahead], Duration::ZERO).await, Err(Error::TooLate)));
}
