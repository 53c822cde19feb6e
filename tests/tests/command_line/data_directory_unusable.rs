use std::path::Path;

use tests::command::Home;

/// Refused by every command that needs a data directory, by its name and without a panic.
fn refused(home: &Home, directory: &Path) -> String {
    let path = directory.to_str().unwrap();
    let mut last = String::new();
    for command in
        [vec!["report", "revenue"], vec!["serve", "--grpc-address", "127.0.0.1:0", "--http-address", "127.0.0.1:0"]]
    {
        last = home.bare(&[command.as_slice(), &["--data-dir", path]].concat()).refused();
        assert!(last.contains(path), "{command:?}: {last}");
        assert!(last.contains("because: "), "{command:?}: {last}");
    }
    last
}

#[test]
fn a_file_in_place_of_the_data_directory_is_refused() {
    let home = Home::new();
    let file = home.write("data", "not a directory");
    refused(&home, Path::new(&file));
    assert_eq!(std::fs::read_to_string(file).unwrap(), "not a directory");
}

#[cfg(target_os = "linux")]
#[test]
fn a_directory_that_cannot_be_made_is_refused() {
    // Nobody makes directories there, not even the superuser.
    refused(&Home::new(), Path::new("/proc/upshot/data"));
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_as_it_is() {
    let home = Home::new();
    home.json(&["report", "revenue"]);
    let database = home.data_dir().join("revenue.sqlite");
    let nonsense = "this was a database once ".repeat(400);
    std::fs::write(&database, &nonsense).unwrap();
    for extension in ["sqlite-wal", "sqlite-shm"] {
        let _ = std::fs::remove_file(database.with_extension(extension));
    }
    let error = home.run(&["report", "revenue"]).refused();
    assert!(error.contains("revenue.sqlite"), "{error}");
    assert_eq!(std::fs::read_to_string(database).unwrap(), nonsense);
}
