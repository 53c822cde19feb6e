use tests::command::{Home, Ran};

/// Refused before anything ran, with how it is called.
fn usage(ran: Ran) -> String {
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("--help") || ran.stderr.contains("Usage"), "{}", ran.stderr);
    ran.stderr
}

#[test]
fn what_the_command_line_does_not_know_is_refused_with_how_it_is_called() {
    let home = Home::new();
    assert!(usage(home.bare(&["reprot"])).contains("unrecognized subcommand 'reprot'"));
    assert!(usage(home.bare(&["report", "attribution"])).contains("--model <ID>"));
    assert!(
        usage(home.bare(&["report", "revenue", "--format", "xml"])).contains("[possible values: table, json, csv]")
    );
    assert!(usage(home.bare(&["import", "events"])).contains("FILE.jsonl"));
    assert!(usage(home.run(&["report", "revenue", "--addr", "127.0.0.1:1"])).contains("cannot be used with"));
    assert!(usage(home.bare(&["serve", "billing"])).contains("ingestion, assignment, attribution, revenue, analysis"));
    assert!(usage(home.run(&["rebuild", "assignment"])).contains("ingestion, attribution, revenue, analysis"));
    assert!(!home.data_dir().exists());
}

#[test]
fn names_that_name_nothing_are_refused_with_those_that_do() {
    let home = Home::new();
    let error = home.run(&["report", "attribution", "--model", "liner"]).refused();
    assert!(error.contains(r#"there is no model "liner"; there are: first_touch, last_touch, linear, "#), "{error}");
    let error = home.run(&["report", "experiment", "checkout"]).refused();
    assert!(error.contains(r#"there is no experiment "checkout"; there are none yet"#), "{error}");
    let error = home.bare(&["serve", "revenue"]).refused();
    assert!(error.contains("revenue needs ingestion in the same process"), "{error}");
}

#[test]
fn files_and_columns_that_are_not_there_are_named() {
    let home = Home::new();
    let error = home.run(&["import", "events", "absent.jsonl"]).refused();
    assert!(error.contains("absent.jsonl cannot be read; name a file"), "{error}");
    let file = home.write("rates.csv", "currency,day,rate\nEUR,2026-01-01,1\n");
    let error = home.run(&["import", "rates", &file]).refused();
    assert!(error.contains(r#"has no column "date"; its columns are: currency, day, rate"#), "{error}");
    let columns = ["--person", "a", "--time", "a", "--channel", "a", "--conversion", "a", "--value", "a"];
    let import = [&["import", "touches", &file, "--currency", "dollars"], columns.as_slice()].concat();
    let error = home.run(&import).refused();
    assert!(error.contains(r#"--currency "dollars" is no currency; give an ISO 4217 code such as USD"#), "{error}");
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let home = Home::new();
    // A port that was free a moment ago; nothing listens there.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let error = home.bare(&["report", "revenue", "--addr", &address]).refused();
    assert!(error.contains(&address), "{error}");
}
