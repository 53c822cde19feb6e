use tests::command::{Home, command};
use tests::server::Server;

use super::api_keys::{KEYS, key_table};

#[test]
fn without_keys_it_listens_on_this_machine_only() {
    let home = Home::new();
    for (address, other) in [("--grpc-address", "--http-address"), ("--http-address", "--grpc-address")] {
        for world in ["0.0.0.0:0", "[::]:0"] {
            let error = home.run(&["serve", address, world, other, "127.0.0.1:0"]).refused();
            assert!(error.contains(&format!("refusing to listen on {world} without API keys")), "{error}");
            assert!(error.contains("[[auth.api_keys]]"), "{error}");
        }
    }
}

#[tokio::test]
async fn with_a_key_it_listens_where_it_is_told() {
    let home = Home::new();
    let config = home.write("keys.toml", key_table(&KEYS[0]));
    let mut serve = command(home.path());
    serve.args(["serve", "--config", &config, "--grpc-address", "0.0.0.0:0", "--http-address", "0.0.0.0:0"]);
    let server = Server::spawn(serve, &home);
    assert!(server.grpc.starts_with("0.0.0.0:"), "{}", server.ready_line);
    assert_eq!(server.terminate().await.code, Some(0));
}
