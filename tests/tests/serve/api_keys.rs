use api::analysis::v1::CountPersonsRequest;
use api::assignment::v1::{AssignRequest, StopExperimentRequest};
use api::ingestion::v1::RecordRequest;
use api::revenue::v1::PutRatesRequest;
use tests::command::Home;
use tests::server::Server;
use tonic::{Code, Status};
use upshot_client::Client;

/// Name (which is its one scope) and SHA-256 of the key `<name>-key`.
pub(super) const KEYS: [(&str, &str); 5] = [
    ("assign", "e47517440d29415a524e5a2a23177c68fa10227bd8f2a241930009a8d6b83410"),
    ("ingest", "facd3991f687d349439575a49727ad88f56fdb0043b36744314bd2e15511c01e"),
    ("read", "8578df6c579d44d3bf7caeada69ed9cbca30b318a50a0e60216b46760edf5477"),
    ("admin", "69a5265506c94c77b787a7d7377b7685a0eff82e33920a71e7ee22cd6154953e"),
    ("finance", "d17213697783a0f3213c24968837a1479cafd71c1842cd64571b77f73f4fd045"),
];

pub(super) fn key_table((name, sha256): &(&str, &str)) -> String {
    format!("[[auth.api_keys]]\nname = \"{name}\"\nsha256 = \"{sha256}\"\nscopes = [\"{name}\"]\n")
}

fn keyed() -> (Home, Server) {
    let home = Home::new();
    let config = home.write("keys.toml", KEYS.iter().map(key_table).collect::<String>());
    let server = Server::start(&home, &["--config", &config]);
    (home, server)
}

/// A call that needs each scope; none of them gets far beyond the door.
async fn calls(client: &Client) -> [(&'static str, Result<(), Status>); 5] {
    let record = RecordRequest { events: Vec::new() };
    let stop = StopExperimentRequest { key: "x".into(), reason: String::new() };
    [
        ("assign", client.assignment().assign(AssignRequest::default()).await.map(drop)),
        ("ingest", client.ingestion().record(record).await.map(drop)),
        ("read", client.analysis().count_persons(CountPersonsRequest {}).await.map(drop)),
        ("admin", client.registry().stop_experiment(stop).await.map(drop)),
        ("finance", client.rates().put_rates(PutRatesRequest { rates: Vec::new() }).await.map(drop)),
    ]
}

#[tokio::test]
async fn a_key_opens_what_its_scopes_say_and_nothing_else() {
    let (_home, server) = keyed();
    for (name, _) in KEYS {
        let client = server.client().await.with_api_key(&format!("{name}-key")).unwrap();
        for (scope, answer) in calls(&client).await {
            let opens = name == scope || (name == "admin" && scope != "finance");
            let code = answer.as_ref().map_or_else(Status::code, |()| Code::Ok);
            assert_eq!(code != Code::PermissionDenied, opens, "{name} key, {scope} call: {answer:?}");
            assert_ne!(code, Code::Unauthenticated, "{name} key, {scope} call: {answer:?}");
            if let (false, Err(status)) = (opens, &answer) {
                assert!(status.message().contains(scope), "{name} key, {scope} call: {status:?}");
            }
        }
    }
}

#[tokio::test]
async fn nobody_gets_in_without_a_key_or_with_a_wrong_one() {
    let (_home, server) = keyed();
    let client = server.client().await;
    for client in [client.clone(), client.with_api_key("read-key-").unwrap()] {
        for (scope, answer) in calls(&client).await {
            assert_eq!(answer.unwrap_err().code(), Code::Unauthenticated, "{scope}");
        }
    }
    assert_eq!(server.get("/healthz").0, 200, "probes have no keys");
}

#[tokio::test]
async fn the_command_line_shows_the_key_that_it_is_given() {
    let (home, server) = keyed();
    let report = ["report", "ingestion", "--addr", &server.grpc];
    let error = home.bare(&report).refused();
    assert!(error.contains("key"), "{error}");
    assert!(home.bare(&[report.as_slice(), &["--api-key", "read-key"]].concat()).done().contains("received"));
    let mut by_environment = tests::command::command(home.path());
    let ran: tests::command::Ran =
        by_environment.args(report).env("UPSHOT_API_KEY", "read-key").output().unwrap().into();
    assert!(ran.done().contains("received"));
    let error = home.bare(&[report.as_slice(), &["--api-key", "ingest-key"]].concat()).refused();
    assert!(error.contains("read") && !error.contains("ingest-key"), "{error}");
}
