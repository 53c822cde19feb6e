//! Reference vectors of a directory beside our answers: which files agree, which do not and where.
//!
//! Must never know: what any file is about; the `vectors` crate recognises them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;
use vectors::Report;

use crate::error::Error;

/// Misses shown of one file.
const SHOWN_PER_FILE: usize = 5;
const NAME_WIDTH: usize = 44;

/// Runs every file below `directory` that is of a known shape, and prints what became of each.
pub fn run(directory: &Path, as_json: bool) -> Result<(), Error> {
    let files = files(directory)?;
    let outcomes = files.iter().map(|path| outcome(directory, path)).collect::<Result<Vec<_>, _>>()?;
    if as_json {
        println!("{}", serde_json::to_string_pretty(&outcomes)?);
    } else {
        print!("{}", outcomes.iter().map(File::to_text).collect::<String>());
    }
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for file in &outcomes {
        match &file.outcome {
            Outcome::Compared { passed: agreed, failed: missed, .. } => {
                passed += agreed;
                failed += missed;
            }
            Outcome::Unreadable { .. } => failed += 1,
            Outcome::Skipped { .. } => skipped += 1,
        }
    }
    if failed > 0 {
        return Err(Error::Vectors(format!("{failed} failed, {passed} passed")));
    }
    if passed == 0 {
        return Err(Error::Vectors(format!("no file of a known shape below {}", directory.display())));
    }
    if !as_json {
        println!("{passed} passed, 0 failed, in {} files; {skipped} files skipped", outcomes.len() - skipped);
    }
    Ok(())
}

/// What became of a file.
#[derive(Debug, PartialEq, Serialize)]
struct File {
    /// Relative to the directory.
    name: String,
    #[serde(flatten)]
    outcome: Outcome,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
enum Outcome {
    Compared {
        passed: usize,
        failed: usize,
        /// The first misses.
        differences: Vec<String>,
    },
    Unreadable {
        why: String,
    },
    Skipped {
        why: &'static str,
    },
}

impl File {
    fn to_text(&self) -> String {
        let name = &self.name;
        match &self.outcome {
            Outcome::Compared { passed, failed, differences } => {
                let mut text = format!("{name:<NAME_WIDTH$} {passed:>6} passed {failed:>6} failed\n");
                for difference in differences {
                    let _ = writeln!(text, "    {difference}");
                }
                let more = failed.saturating_sub(SHOWN_PER_FILE);
                if more > 0 {
                    let _ = writeln!(text, "    and {more} more");
                }
                text
            }
            Outcome::Unreadable { why } => format!("{name:<NAME_WIDTH$} FAILED: {why}\n"),
            Outcome::Skipped { why } => format!("{name:<NAME_WIDTH$} skipped: {why}\n"),
        }
    }
}

/// Every file below the directory, by path. Links are not followed, so the walk ends.
fn files(directory: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(folder) = open.pop() {
        let refused = || format!("{} cannot be listed", folder.display());
        for entry in std::fs::read_dir(&folder).map_err(Error::io(refused()))? {
            let entry = entry.map_err(Error::io(refused()))?;
            let kind = entry.file_type().map_err(Error::io(refused()))?;
            if kind.is_dir() {
                open.push(entry.path());
            } else if kind.is_file() {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

fn outcome(directory: &Path, path: &Path) -> Result<File, Error> {
    let name = path.strip_prefix(directory).unwrap_or(path).display().to_string();
    let outcome = if path.extension().is_none_or(|extension| extension != "json") {
        Outcome::Skipped { why: "no JSON" }
    } else {
        let text = std::fs::read(path).map_err(Error::io(format!("{} cannot be read", path.display())))?;
        match serde_json::from_slice::<Value>(&text) {
            Err(error) => Outcome::Unreadable { why: error.to_string() },
            Ok(file) => compare(&name, &file, path),
        }
    };
    Ok(File { name, outcome })
}

fn compare(name: &str, file: &Value, path: &Path) -> Outcome {
    // A file may name data beside it, but nothing elsewhere.
    let beside = |other: &str| {
        let is_name = Path::new(other).file_name().is_some_and(|name| name == other);
        if is_name { std::fs::read_to_string(path.with_file_name(other)).ok() } else { None }
    };
    let Some(Report { passed, missed }) = vectors::check_beside(name, file, &beside) else {
        return Outcome::Skipped { why: "no vectors of a known shape" };
    };
    let shown = missed.iter().take(SHOWN_PER_FILE).map(|miss| {
        let differences: Vec<_> = miss.differences.iter().map(ToString::to_string).collect();
        format!("{}: {}", miss.case, differences.join("; "))
    });
    Outcome::Compared { passed, failed: missed.len(), differences: shown.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGREES: &str = r#"{"system": "growthbook", "cases": [{"id": "a", "unit": "a", "seed": "seed", "hash_version": 2, "expected_bucket": 0.0505}]}"#;

    fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = directory.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        directory
    }

    fn result(files: &[(&str, &str)]) -> Result<(), String> {
        run(directory(files).path(), false).map_err(|error| error.to_string())
    }

    #[test]
    fn files_that_agree_are_a_success_whatever_lies_beside_them() {
        assert_eq!(result(&[("deep/er/a.json", AGREES), ("b.json", "[]"), ("README.md", "text")]), Ok(()));
    }

    #[test]
    fn a_miss_is_a_failure() {
        let other = AGREES.replace("0.0505", "0.0506");
        assert_eq!(result(&[("a.json", AGREES), ("b.json", &other)]).unwrap_err(), "vectors: 1 failed, 1 passed");
        let home = directory(&[("b.json", &other)]);
        let shown = outcome(home.path(), &home.path().join("b.json")).unwrap().to_text();
        assert!(shown.contains("0 passed      1 failed"), "{shown}");
        assert!(shown.contains("a: expected_bucket: expected 0.0506, found 0.0505"), "{shown}");
    }

    #[test]
    fn finding_nothing_is_a_failure() {
        assert!(result(&[("README.md", "text"), ("a.json", "{}")]).unwrap_err().contains("no file of a known shape"));
    }

    #[test]
    fn a_file_that_is_cut_short_is_a_failure() {
        let cut = AGREES.get(..AGREES.len() / 2).unwrap();
        assert_eq!(result(&[("a.json", AGREES), ("b.json", cut)]).unwrap_err(), "vectors: 1 failed, 1 passed");
    }
}
