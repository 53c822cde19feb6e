use std::io::Write as _;

use serde::Deserialize;

use super::*;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Example {
    project: String,
    ratio: f64,
    grpc: Grpc,
    auth: Auth,
    windows_ms: BTreeMap<String, i64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Grpc {
    address: String,
    workers: u8,
    tls: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Auth {
    signing_secret: String,
    api_keys: Vec<BTreeMap<String, String>>,
}

impl Default for Example {
    fn default() -> Self {
        let grpc = Grpc::default();
        Self { project: "default".into(), ratio: 0.5, grpc, auth: Auth::default(), windows_ms: BTreeMap::new() }
    }
}

impl Default for Grpc {
    fn default() -> Self {
        Self { address: "127.0.0.1:7070".into(), workers: 4, tls: false }
    }
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn from_all(text: &str, variables: &[(&str, &str)], flags: &[(&str, &str)]) -> Result<Loaded<Example>, ConfigError> {
    let file = file(text);
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let flags = flags.iter().map(|(key, value)| ((*key).to_owned(), Value::String((*value).to_owned()))).collect();
    load(Some(file.path()), variables, flags)
}

fn message(text: &str, variables: &[(&str, &str)], flags: &[(&str, &str)]) -> String {
    from_all(text, variables, flags).unwrap_err().to_string()
}

#[test]
fn later_layers_win_and_are_remembered() {
    let text = "project = 'file'\nratio = 1\n[grpc]\nworkers = 8\naddress = '[::1]:1'";
    let variables = [("UPSHOT__PROJECT", "variable"), ("UPSHOT__GRPC__WORKERS", "16"), ("PATH", "/bin")];
    let loaded = from_all(text, &variables, &[("grpc.workers", "32"), ("grpc.tls", "true")]).unwrap();
    let Example { project, ratio, grpc, .. } = &loaded.value;
    assert_eq!((project.as_str(), *ratio), ("variable", 1.0));
    assert_eq!(*grpc, Grpc { address: "[::1]:1".into(), workers: 32, tls: true });
    assert_eq!(*loaded.source("project"), Source::Environment("UPSHOT__PROJECT".into()));
    assert_eq!(*loaded.source("grpc.workers"), Source::Flag("grpc.workers".into()));
    assert!(matches!(loaded.source("grpc.address"), Source::File(_)));
    assert_eq!(*loaded.source("auth.signing_secret"), Source::Default);
}

#[test]
fn text_that_looks_like_a_number_stays_text_where_text_is_wanted() {
    let loaded = from_all("", &[("UPSHOT__PROJECT", "42")], &[("grpc.address", "true")]).unwrap();
    assert_eq!(loaded.value.project, "42");
    assert_eq!(loaded.value.grpc.address, "true");
}

#[test]
fn lists_and_open_maps_are_taken_from_every_layer() {
    let text = "[windows_ms]\n'e.mail' = 1\n[[auth.api_keys]]\nname = 'one'";
    let loaded = from_all(text, &[("UPSHOT__WINDOWS_MS__PAID_SEARCH", "2")], &[]).unwrap();
    assert_eq!(loaded.value.windows_ms, BTreeMap::from([("e.mail".into(), 1), ("paid_search".into(), 2)]));
    assert!(matches!(loaded.source("windows_ms.e.mail"), Source::File(_)));
    assert!(loaded.show().contains("paid_search = 2 # environment UPSHOT__WINDOWS_MS__PAID_SEARCH"));
    assert_eq!(loaded.value.auth.api_keys.len(), 1);
    let loaded = from_all(text, &[("UPSHOT__AUTH__API_KEYS", "[{name = 'a'}, {name = 'b'}]")], &[]).unwrap();
    assert_eq!(loaded.value.auth.api_keys.len(), 2);
}

#[test]
fn an_unknown_key_names_its_source_and_the_nearest_known_key() {
    let text = message("[grpc]\nadress = 'x'", &[], &[]);
    assert!(text.starts_with("unknown key `grpc.adress` (file "), "{text}");
    assert!(text.ends_with("; did you mean `grpc.address`?"), "{text}");
    let text = message("", &[("UPSHOT__WORKERS", "1")], &[]);
    assert_eq!(text, "unknown key `workers` (environment UPSHOT__WORKERS); did you mean `grpc.workers`?");
    assert_eq!(message("", &[], &[("retention", "1")]), "unknown key `retention` (flag retention)");
}

#[test]
fn a_whole_section_in_one_variable_keeps_the_defaults_and_the_checks() {
    let loaded = from_all("", &[("UPSHOT__GRPC", "{ workers = 9 }")], &[]).unwrap();
    assert_eq!(loaded.value.grpc, Grpc { workers: 9, ..Grpc::default() });
    let text = message("", &[("UPSHOT__GRPC", "{ adress = 'x' }")], &[]);
    assert_eq!(text, "unknown key `grpc.adress` (environment UPSHOT__GRPC); did you mean `grpc.address`?");
}

#[test]
fn a_wrong_value_names_its_key_and_source() {
    let text = message("", &[("UPSHOT__GRPC__WORKERS", "many")], &[]);
    assert_eq!(text, "`grpc.workers` must be an integer, not text (environment UPSHOT__GRPC__WORKERS)");
    assert!(message("grpc = 1", &[], &[]).starts_with("`grpc` must be a table, not an integer (file "));
    assert!(message("[grpc]\nworkers = '1'", &[], &[]).contains("must be an integer, not text"));
    let text = message("project = 'fine'", &[], &[("grpc.workers", "300")]);
    assert!(text.starts_with("`grpc.workers` is not valid: ") && text.ends_with(" (flag grpc.workers)"), "{text}");
}

#[test]
fn only_a_named_file_has_to_exist() {
    let absent = Path::new("/nowhere/upshot.toml");
    let named = load::<Example>(Some(absent), std::iter::empty(), BTreeMap::new());
    assert!(matches!(named, Err(ConfigError::Read { .. })));
    let unnamed = load::<Example>(None, std::iter::empty(), BTreeMap::new());
    assert_eq!(unnamed.unwrap().value, Example::default());
    assert!(matches!(from_all("not toml", &[], &[]), Err(ConfigError::Parse { .. })));
}

#[test]
fn show_is_valid_toml_with_sources_and_without_secrets() {
    let text = "[auth]\nsigning_secret = 'hush'\napi_keys = [{name = 'web', sha256 = 'beef'}]";
    let loaded = from_all(text, &[], &[("project", "mine")]).unwrap();
    let shown = loaded.show();
    assert!(shown.contains("project = \"mine\" # flag project\n"), "{shown}");
    assert!(shown.contains("\n[grpc]\naddress = \"127.0.0.1:7070\" # default\n"), "{shown}");
    assert!(!shown.contains("hush") && !shown.contains("beef") && shown.contains("web"), "{shown}");
    assert!(shown.parse::<Table>().is_ok(), "{shown}");
}
