use tests::command::{Home, Ran, command};

#[test]
fn unknown_keys_are_refused_by_their_name_and_place() {
    let home = Home::new();
    let file = home.write("some.toml", "[ingestion]\nburst_touchs = 3\n");
    let serve = ["serve", "--grpc-address", "127.0.0.1:0", "--http-address", "127.0.0.1:0"];
    let error = home.run(&[&["--config", &file], serve.as_slice()].concat()).refused();
    assert!(error.contains("unknown key `ingestion.burst_touchs` (file ") && error.contains("some.toml"), "{error}");
    assert!(error.contains("`ingestion.burst_touches`"), "the nearest one is named: {error}");
    let error = home.run(&[serve.as_slice(), &["--set", "grcp.timeout_ms=1"]].concat()).refused();
    assert!(error.contains("unknown key `grcp.timeout_ms` (flag "), "{error}");
    let mut command = command(home.path());
    let ran: Ran = command.args(serve).env("UPSHOT__WORKRES", "2").output().unwrap().into();
    let error = ran.refused();
    assert!(error.contains("unknown key `workres` (environment UPSHOT__WORKRES)"), "{error}");
    let error = home.run(&[serve.as_slice(), &["--set", "workers=many"]].concat()).refused();
    assert!(error.contains("`workers` must be"), "{error}");
    assert!(!home.data_dir().exists());
}

#[test]
fn the_settings_in_force_are_shown_with_where_they_come_from() {
    let home = Home::new();
    let file = home.write("upshot.toml", "workers = 3\n[telemetry]\nlog = \"warn\"\n");
    let mut command = command(home.path());
    let ran: Ran =
        command.args(["config", "show"]).env("UPSHOT__INGESTION__BURST_TOUCHES", "40").output().unwrap().into();
    let shown = ran.done();
    let line = |key: &str| {
        let line = shown.lines().find(|line| line.trim_start().starts_with(key));
        line.unwrap_or_else(|| panic!("{key} is not in {shown}"))
    };
    assert!(line("workers = 3").contains("file upshot.toml"), "{shown}");
    assert!(line("log = \"warn\"").contains("file upshot.toml"), "{shown}");
    assert!(line("burst_touches = 40").contains("environment UPSHOT__INGESTION__BURST_TOUCHES"), "{shown}");
    assert!(line("burst_window_ms = ").contains("default"), "{shown}");
    std::fs::remove_file(file).unwrap();
    assert!(home.bare(&["config", "show"]).done().contains("workers = 2"));
}
