use tests::command::Home;
use tests::server::Server;

#[tokio::test]
async fn a_data_directory_in_use_is_refused_with_its_name_and_who_has_it() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    let expected = format!("data directory {} is in use by process {};", home.data_dir().display(), server.id());
    for command in [["report", "revenue"], ["rebuild", "analysis"], ["import", "rates"]] {
        let file = home.write("rates.csv", "currency,date,rate\n");
        let mut arguments = command.to_vec();
        if command[0] == "import" {
            arguments.push(&file);
        }
        let error = home.run(&arguments).refused();
        assert!(error.contains(&expected), "{command:?}: {error}");
    }
    assert_eq!(server.terminate().await.code, Some(0));
    home.json(&["report", "revenue"]);
}
