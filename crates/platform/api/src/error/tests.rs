use super::*;

fn every_kind() -> Vec<Problem> {
    let what = || "experiment checkout".to_owned();
    let retry_after = Duration::from_millis(1500);
    vec![
        Problem::invalid("events[3].event_id", "must be a UUID"),
        Problem::InvalidFields(vec![
            FieldViolation::new("a", "must be given"),
            FieldViolation::new("b", "is too long"),
        ]),
        Problem::NotFound { what: what() },
        Problem::AlreadyExists { what: what() },
        Problem::FailedPrecondition { what: what() },
        Problem::Overloaded { what: what(), retry_after },
        Problem::Unavailable { what: what(), retry_after },
        Problem::DeadlineExceeded { what: what() },
        Problem::Internal,
        Problem::Storage { what: what() },
        Problem::Unauthenticated,
        Problem::PermissionDenied { scope: "admin".into() },
    ]
}

#[test]
fn every_kind_survives_the_wire() {
    for problem in every_kind() {
        let status = Status::from(problem.clone());
        assert_eq!(status.code(), problem.code());
        assert_eq!(status.message(), problem.to_string());
        assert_eq!(Problem::from_status(&status), problem);
    }
}

#[test]
fn the_table_is_closed() {
    let mut covered: Vec<i32> = every_kind().iter().map(|problem| problem.reason() as i32).collect();
    covered.sort_unstable();
    covered.dedup();
    let in_contract: Vec<i32> = (1..1000).filter(|number| ErrorReason::try_from(*number).is_ok()).collect();
    assert_eq!(covered, in_contract);
}

#[test]
fn details_follow_the_contract() {
    for problem in every_kind() {
        let details = Status::from(problem.clone()).get_error_details();
        let info = details.error_info().unwrap();
        assert_eq!(info.domain, ERROR_DOMAIN);
        assert_eq!(format!("{REASON_PREFIX}{}", info.reason), problem.reason().as_str_name());
        let retry_is_useful = matches!(problem.code(), Code::Unavailable | Code::ResourceExhausted);
        assert_eq!(details.retry_info().is_some(), retry_is_useful, "{problem:?}");
        assert_eq!(details.bad_request().is_some(), problem.code() == Code::InvalidArgument, "{problem:?}");
        assert!(problem.http_status().is_client_error() || problem.http_status().is_server_error());
    }
}

#[test]
fn a_foreign_status_is_taken_by_its_code() {
    let refused = Problem::from_status(&Status::unavailable("tcp connect error"));
    assert_eq!(refused, Problem::Unavailable { what: "tcp connect error".into(), retry_after: DEFAULT_RETRY });
    assert_eq!(Problem::from_status(&Status::unknown("secret")), Problem::Internal);
    assert_eq!(Problem::from_status(&Status::invalid_argument("bad")).to_string(), "bad");
}
