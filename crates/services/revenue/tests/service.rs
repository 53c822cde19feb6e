//! Revenue over a real database, called over the wire.

use std::sync::Arc;
use std::time::Duration;

use api::Problem;
use api::ingestion::v1::MoneyKind;
use api::journal::v1::{ModelShares, MoneyFact, SharedTouch, SharesFact};
use api::revenue::v1::rate_service_client::RateServiceClient;
use api::revenue::v1::revenue_service_client::RevenueServiceClient;
use api::revenue::v1::{
    CreditCell, GetCreditRequest, GetRevenueRequest, GetTransactionRequest, ListPostingsRequest, ListRatesRequest,
    Posting, PutRatesRequest, Rate, Transaction, WaitCaughtUpRequest,
};
use api::types::{PageRequest, Position};
use ids::EventId;
use journal::{FactId, Key, MemoryTopic, NewRecord, Op, Revision, Stepped, Topic};
use prost::Message;
use revenue::{Config, Error, Service};
use store::Database;
use tonic::Status;
use tonic::service::Routes;
use tonic::transport::{Channel, Server};

const NEW_YEAR_MS: i64 = 1_767_225_600_000;

struct Bench {
    folder: tempfile::TempDir,
    money: Arc<MemoryTopic>,
    shares: Arc<MemoryTopic>,
    service: Service,
    channel: Channel,
}

async fn open(folder: &tempfile::TempDir, money: &Arc<MemoryTopic>, shares: &Arc<MemoryTopic>) -> Service {
    let path = folder.path().join("revenue.db");
    let database = Database::open_sqlite::<migrations::revenue::Migrator>(&path).await.unwrap();
    Service::open(database, Config::default(), money.clone(), shares.clone()).await.unwrap()
}

impl Bench {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [money, shares] = [Topic::Money, Topic::Shares].map(|topic| Arc::new(MemoryTopic::new(topic)));
        let service = open(&folder, &money, &shares).await;
        let (channel, incoming) = api::in_memory();
        let routes = revenue::routes(&service, Routes::default());
        tokio::spawn(Server::builder().add_routes(routes).serve_with_incoming(incoming));
        Self { folder, money, shares, service, channel }
    }

    fn revenue(&self) -> RevenueServiceClient<Channel> {
        RevenueServiceClient::new(self.channel.clone())
    }

    fn rates(&self) -> RateServiceClient<Channel> {
        RateServiceClient::new(self.channel.clone())
    }

    fn money(&self, key: &str, id: &str, at_ms: i64, kind: MoneyKind, minor: i64, currency: &str) {
        let event = EventId::derived("test", id);
        let fact = MoneyFact {
            event_id: event.as_bytes().to_vec(),
            occurred_ms: at_ms,
            kind: kind.into(),
            amount_minor: minor,
            currency: currency.to_owned(),
            ..MoneyFact::default()
        };
        append(&self.money, key, event, fact.encode_to_vec());
    }

    fn conversion(&self, key: &str, id: &str, channels: &[&str], shares: &[u32]) {
        let event = EventId::derived("test", id);
        let touch = |channel: &&str| SharedTouch { channel: (*channel).to_owned(), ..SharedTouch::default() };
        let fact = SharesFact {
            conversion_event_id: event.as_bytes().to_vec(),
            person: "u:ann".to_owned(),
            converted_ms: NEW_YEAR_MS,
            conversion_type: "purchase".to_owned(),
            touches: channels.iter().map(touch).collect(),
            models: vec![ModelShares { model: "linear".to_owned(), shares: shares.to_vec() }],
        };
        append(&self.shares, key, event, fact.encode_to_vec());
    }

    async fn settle(&self) -> Vec<Position> {
        step(&self.service).await;
        self.revenue().wait_caught_up(WaitCaughtUpRequest::default()).await.unwrap().into_inner().heads
    }

    async fn put(&self, rates: &[(&str, &str, &str)]) -> Result<u32, Status> {
        let wire = |(currency, date, rate): &(&str, &str, &str)| Rate {
            currency: (*currency).to_owned(),
            date: (*date).to_owned(),
            rate: (*rate).to_owned(),
        };
        let request = PutRatesRequest { rates: rates.iter().map(wire).collect() };
        self.rates().put_rates(request).await.map(|response| response.into_inner().changed)
    }

    async fn transaction(&self, id: &str) -> Result<Transaction, Problem> {
        let request = GetTransactionRequest { transaction_id: id.to_owned() };
        let response = self.revenue().get_transaction(request).await;
        response.map(|response| response.into_inner().transaction.unwrap()).map_err(|status| Problem::from(&status))
    }

    /// The whole ledger, page by page.
    async fn postings(&self, page_size: u32) -> Vec<Posting> {
        let mut postings = Vec::new();
        let mut page_token = String::new();
        loop {
            let page = Some(PageRequest { page_size, page_token });
            let response = self.revenue().list_postings(ListPostingsRequest { page }).await.unwrap().into_inner();
            assert!(page_size == 0 || response.postings.len() <= page_size as usize);
            postings.extend(response.postings);
            page_token = response.page.unwrap().next_page_token;
            if page_token.is_empty() {
                return postings;
            }
        }
    }
}

async fn step(service: &Service) -> usize {
    let mut steps = 0;
    while service.stage().step().await.unwrap() != Stepped::Idle {
        steps += 1;
    }
    steps
}

fn append(topic: &MemoryTopic, key: &str, event: EventId, body: Vec<u8>) {
    let record = NewRecord {
        key: Key::new("default", &key),
        source: Key::new("default", &"u:ann"),
        fact: FactId(*event.as_bytes()),
        revision: Revision { epoch: 1, counter: 1 },
        op: Op::Value,
        body: body.into(),
        trace: None,
    };
    topic.append([record]);
    topic.number(|_| 0);
}

fn fields(status: &Status) -> Vec<String> {
    Problem::from(status).violations().into_iter().map(|violation| violation.field).collect()
}

#[tokio::test]
async fn a_transaction_is_followed_from_an_orphan_to_its_net() {
    let bench = Bench::new().await;
    bench.money("t:order 1", "refund", NEW_YEAR_MS + 5, MoneyKind::Refund, 250, "USD");
    bench.settle().await;
    let waiting = bench.transaction("order 1").await.unwrap();
    assert_eq!((waiting.charge, waiting.listed[0].reason.as_str(), waiting.net_minor), (None, "orphan", 0));

    bench.money("t:order 1", "charge", NEW_YEAR_MS, MoneyKind::Charge, 1001, "USD");
    bench.conversion("t:order 1", "charge", &["email", "social"], &[1 << 29, 1 << 29]);
    let heads = bench.settle().await;
    assert!(heads.iter().all(|head| head.topic == "transactions" && head.offset == 1) && heads.len() == 1);
    let now = bench.transaction("order 1").await.unwrap();
    let charge = now.charge.unwrap();
    assert_eq!((charge.amount.unwrap().amount_minor, charge.fires), (1001, 1));
    assert_eq!((now.refunds_minor, now.net_minor, now.reporting_net_minor), (250, 751, Some(751)));
    assert_eq!((now.owner.as_str(), now.transaction_id.as_str()), ("u:ann", "order 1"));
    assert_eq!(now.conversion_event_id, EventId::derived("test", "charge").to_string());
    assert_eq!(now.postings, bench.postings(1).await);

    let report = bench.revenue().get_revenue(GetRevenueRequest {}).await.unwrap().into_inner();
    assert_eq!((report.reporting_currency.as_str(), report.missing_rates, report.currencies.len()), ("USD", 0, 1));
    let usd = &report.currencies[0];
    assert_eq!((usd.charges, usd.gross_minor, usd.refunds_minor, usd.net_minor), (1, 1001, 250, 751));
    assert_eq!((usd.orphan_refunds, usd.unowned_gross_minor), (0, 0));
    assert_eq!(report.lag.unwrap().pending_records, 0);

    let request = GetCreditRequest { model: "linear".to_owned() };
    let credit = bench.revenue().get_credit(request).await.unwrap().into_inner().cells;
    let cell = |channel: &str, gross_minor, net_minor| CreditCell {
        channel: channel.to_owned(),
        campaign: String::new(),
        currency: "USD".to_owned(),
        conversions_micro: 500_000,
        gross_minor,
        net_minor,
    };
    assert_eq!(credit, [cell("email", 501, 376), cell("social", 500, 375)]);
}

#[tokio::test]
async fn the_ledger_corrects_and_never_rewrites() {
    let bench = Bench::new().await;
    bench.money("t:1", "later", NEW_YEAR_MS + 9, MoneyKind::Charge, 700, "USD");
    bench.settle().await;
    bench.money("t:1", "earlier", NEW_YEAR_MS, MoneyKind::Charge, 500, "EUR");
    bench.settle().await;
    for page_size in [0, 1, 2, 1000] {
        let lines = bench.postings(page_size).await;
        let mut told: Vec<_> = lines
            .iter()
            .map(|line| (line.debit.as_str(), line.credit.as_str(), line.correction, line.amount.clone().unwrap()))
            .map(|(debit, credit, correction, amount)| (debit, credit, correction, amount.amount_minor))
            .collect();
        // The correction and the new line are booked together; which stands first is the journal's choice.
        told[1..].sort_unstable_by_key(|line| !line.2);
        assert_eq!(
            told,
            [("processor", "sales", false, 700), ("sales", "processor", true, 700), ("processor", "sales", false, 500)]
        );
        assert_eq!(lines[0].effective_at, lines.iter().find(|line| line.correction).unwrap().effective_at);
        assert!(lines.iter().all(|line| line.transaction_id == "1"));
    }
    let standing = bench.transaction("1").await.unwrap();
    assert_eq!((standing.postings.len(), standing.listed[0].reason.as_str()), (1, "charge_mismatch"));
}

#[tokio::test]
async fn rates_are_checked_kept_and_applied_to_what_is_there() {
    let bench = Bench::new().await;
    let event = EventId::derived("test", "charge");
    let key = format!("e:{event}");
    bench.money(&key, "charge", NEW_YEAR_MS, MoneyKind::Charge, 1000, "EUR");
    bench.settle().await;
    let of = async |bench: &Bench| bench.transaction(&key).await.unwrap().reporting_net_minor;
    assert_eq!(of(&bench).await, None);
    let report = bench.revenue().get_revenue(GetRevenueRequest {}).await.unwrap().into_inner();
    assert_eq!((report.missing_rates, report.currencies[0].unowned_gross_minor), (1, 1000));

    let broken = [
        ("EUR", "2026-01-01", "1.1"),
        ("USD", "2026-01-01", "1"),
        ("XXX", "2026-02-30", "-1"),
        ("EUR", "2026-01-01", "1.10"),
        ("EUR", "2026-01-01", "1.2"),
    ];
    let refused = bench.put(&broken).await.unwrap_err();
    let expected = ["rates[1].currency", "rates[2].currency", "rates[2].date", "rates[2].rate", "rates[4].rate"];
    assert_eq!(fields(&refused), expected);
    assert_eq!(step(&bench.service).await, 0, "nothing of a refused request is in force");

    let rates = [("JPY", "2025-12-31", "0.0067"), ("EUR", "2026-01-02", "1.3"), ("EUR", "2026-01-01", "1.10")];
    assert_eq!(bench.put(&rates).await.unwrap(), 3);
    assert_eq!(bench.put(&rates).await.unwrap(), 0);
    assert_eq!(bench.put(&[("EUR", "2026-01-01", "1.1"), ("EUR", "2026-01-02", "1.4")]).await.unwrap(), 1);
    bench.settle().await;
    assert_eq!(of(&bench).await, Some(1100));
    assert_eq!(bench.postings(0).await.len(), 1);

    let mut listed = Vec::new();
    let mut page_token = String::new();
    loop {
        let page = Some(PageRequest { page_size: 2, page_token });
        let response = bench.rates().list_rates(ListRatesRequest { page }).await.unwrap().into_inner();
        listed.extend(response.rates.into_iter().map(|rate| (rate.currency, rate.date, rate.rate)));
        page_token = response.page.unwrap().next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    let expected = [("EUR", "2026-01-01", "1.1"), ("EUR", "2026-01-02", "1.4"), ("JPY", "2025-12-31", "0.0067")];
    assert_eq!(listed, expected.map(|(currency, date, rate)| (currency.into(), date.into(), rate.into())));

    let published = bench.service.transactions().heads();
    let reopened = open(&bench.folder, &bench.money, &bench.shares).await;
    assert_eq!(step(&reopened).await, 0, "the rates in force are the stored ones");
    assert_eq!(reopened.transactions().heads(), published);
    assert_eq!(reopened.transaction(&key).await.unwrap().reporting_net, Some(1100));
}

#[tokio::test]
async fn requests_that_break_a_rule_name_it() {
    let bench = Bench::new().await;
    assert!(matches!(bench.transaction("nothing").await, Err(Problem::NotFound { .. })));
    assert_eq!(bench.transaction("").await.unwrap_err().violations()[0].field, "transaction_id");
    assert_eq!(bench.transaction(&"x".repeat(513)).await.unwrap_err().violations()[0].field, "transaction_id");
    let credit = bench.revenue().get_credit(GetCreditRequest::default()).await;
    assert_eq!(fields(&credit.unwrap_err()), ["model"]);
    let page = Some(PageRequest { page_size: 1, page_token: "x".to_owned() });
    let postings = bench.revenue().list_postings(ListPostingsRequest { page: page.clone() }).await;
    assert_eq!(fields(&postings.unwrap_err()), ["page.page_token"]);
    let rates = bench.rates().list_rates(ListRatesRequest { page }).await;
    assert_eq!(fields(&rates.unwrap_err()), ["page.page_token"]);
    let positions = vec![Position { topic: "transactions".to_owned(), partition: 256, offset: 1 }];
    let waited = bench.revenue().wait_caught_up(WaitCaughtUpRequest { positions }).await;
    assert_eq!(fields(&waited.unwrap_err()), ["positions[0].topic", "positions[0].partition"]);
}

#[tokio::test]
async fn a_wait_ends_when_its_time_is_up() {
    let bench = Bench::new().await;
    bench.settle().await;
    bench.money("t:1", "charge", NEW_YEAR_MS, MoneyKind::Charge, 700, "USD");
    let waited = bench.service.wait_caught_up(Vec::new(), Duration::from_millis(1)).await;
    assert!(matches!(waited, Err(Error::Behind { .. })));
    bench.settle().await;
    let heads = bench.service.wait_caught_up(Vec::new(), Duration::ZERO).await.unwrap();
    assert!(heads.is_empty(), "nobody owns it, so nothing is published");
}
