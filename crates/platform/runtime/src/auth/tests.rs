use super::*;

fn hex_hash(key: &str) -> String {
    Sha256::digest(key).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn key(name: &str, scopes: &[Scope]) -> ApiKey {
    ApiKey { name: name.into(), sha256: hex_hash(name), scopes: scopes.to_vec() }
}

fn headers(name: &'static str, value: &str) -> HeaderMap {
    HeaderMap::from_iter([(::http::HeaderName::from_static(name), value.parse().unwrap())])
}

const ALL: [Scope; 5] = [Scope::Assign, Scope::Ingest, Scope::Read, Scope::Admin, Scope::Finance];

#[test]
fn every_method_of_the_contracts_is_listed() {
    for method in api::methods() {
        assert!(scopes::listed(&method.service, &method.name).is_some(), "{} has no scope", method.path());
    }
}

#[test]
fn each_scope_opens_what_it_should_and_nothing_else() {
    let matrix = [
        ("upshot.assignment.v1.AssignmentService", "Assign", "AD"),
        ("upshot.assignment.v1.AssignmentService", "WatchRegistry", "AD"),
        ("upshot.assignment.v1.RegistryService", "CreateExperiment", "D"),
        ("upshot.assignment.v1.RegistryService", "StartExperiment", "D"),
        ("upshot.assignment.v1.RegistryService", "ListExperiments", "RD"),
        ("upshot.ingestion.v1.IngestionService", "Record", "ID"),
        ("upshot.ingestion.v1.IngestionService", "WaitCaughtUp", "RD"),
        ("upshot.ingestion.v1.EventTypeService", "CreateEventType", "D"),
        ("upshot.ingestion.v1.PersonService", "Link", "D"),
        ("upshot.ingestion.v1.PersonService", "GetActor", "RD"),
        ("upshot.revenue.v1.RateService", "PutRates", "F"),
        ("upshot.revenue.v1.RateService", "ListRates", "RD"),
        ("upshot.analysis.v1.AnalysisService", "GetReadout", "RD"),
        ("upshot.later.v1.LaterService", "Erase", "D"),
    ];
    let letters = ["A", "I", "R", "D", "F"];
    let api_keys = ALL.iter().map(|scope| key(scope.name(), &[*scope])).collect();
    let authenticator = Authenticator::new(&AuthConfig { api_keys }).unwrap().unwrap();
    for (service, method, allowed) in matrix {
        for (scope, letter) in ALL.iter().zip(letters) {
            let answer = authenticator.check(requirement(service, method), &headers(API_KEY_HEADER, scope.name()));
            assert_eq!(answer.is_ok(), allowed.contains(letter), "{service}/{method} with {}", scope.name());
            assert!(matches!(answer, Ok(Some(_)) | Err(Problem::PermissionDenied { .. })));
        }
    }
}

#[test]
fn a_key_is_read_from_either_header() {
    let config = AuthConfig { api_keys: vec![key("other", &[Scope::Ingest]), key("k-1", &[Scope::Read])] };
    let authenticator = Authenticator::new(&config).unwrap().unwrap();
    let check = |headers: &HeaderMap| authenticator.check(Requirement::Scope(Scope::Read), headers);
    let caller = Ok(Some(Caller { name: "k-1".into() }));
    assert_eq!(check(&headers("authorization", "Bearer k-1")), caller);
    assert_eq!(check(&headers("authorization", "bearer  k-1")), caller);
    assert_eq!(check(&headers("x-api-key", "k-1")), caller);
    for refused in [
        HeaderMap::new(),
        headers("authorization", "Basic k-1"),
        headers("authorization", "k"),
        headers("x-api-key", "K-1"),
    ] {
        assert_eq!(check(&refused), Err(Problem::Unauthenticated));
    }
    let open = requirement("grpc.health.v1.Health", "Check");
    assert_eq!(authenticator.check(open, &HeaderMap::new()), Ok(None));
}

#[test]
fn without_keys_only_loopback_may_listen() {
    let (open, keyed) = (AuthConfig::default(), AuthConfig { api_keys: vec![key("k", &[Scope::Read])] });
    for address in ["127.0.0.1:7070", "[::1]:7070", "127.8.8.8:1", "[::ffff:127.0.0.1]:1"] {
        assert_eq!(check_bind(address.parse().unwrap(), &open), Ok(()), "{address}");
    }
    for address in ["0.0.0.0:7070", "[::]:7070", "10.0.0.1:7070"] {
        let address = address.parse().unwrap();
        let refused = check_bind(address, &open).unwrap_err();
        assert!(refused.to_string().contains("[[auth.api_keys]]"), "{refused}");
        assert_eq!(check_bind(address, &keyed), Ok(()));
    }
}

#[test]
fn malformed_keys_are_refused_by_name() {
    let with = |sha256: &str, scopes: &[Scope]| {
        let key = ApiKey { name: "web".into(), sha256: sha256.into(), scopes: scopes.to_vec() };
        Authenticator::new(&AuthConfig { api_keys: vec![key] }).map(|_| ())
    };
    assert_eq!(with("beef", &[Scope::Read]), Err(AuthError::Hash { name: "web".into() }));
    assert_eq!(with(&"g".repeat(64), &[Scope::Read]), Err(AuthError::Hash { name: "web".into() }));
    assert_eq!(with(&hex_hash("web"), &[]), Err(AuthError::NoScopes { name: "web".into() }));
    assert!(Authenticator::new(&AuthConfig::default()).unwrap().is_none());
}
