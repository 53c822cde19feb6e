//! The data directory: one process at a time, writable, or a message that says what to do.
//!
//! The lock is held on an open file and ends with the process, however it ends; the file itself stays, and its
//! content (the process id) only serves the message.
//! Must never know: what is kept in it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

const LOCK_FILE: &str = "upshot.lock";

/// Why the data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Somebody else has it.
    #[error("data directory {} is in use by process {process}; stop it or choose another with --data-dir", path.display())]
    InUse {
        /// Which directory.
        path: PathBuf,
        /// Process id of the other, or `unknown`.
        process: String,
    },
    /// No writing there.
    #[error("data directory {} is not writable; change its permissions or choose another with --data-dir", path.display())]
    ReadOnly {
        /// Which directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// No room there.
    #[error("the disk of data directory {} is full; make room or choose another with --data-dir", path.display())]
    Full {
        /// Which directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Anything else.
    #[error("cannot use data directory {}", path.display())]
    Io {
        /// Which directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// A data directory that belongs to this process until it is dropped.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Creates the directory where there is none, and locks it.
    ///
    /// # Errors
    /// [`DataDirError`], whose text tells what to do.
    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        let explained = |source| explain(path, source);
        std::fs::create_dir_all(path).map_err(explained)?;
        let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path.join(LOCK_FILE));
        let mut lock = options.map_err(explained)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(DataDirError::InUse { path: path.to_owned(), process: holder(&mut lock) });
            }
            Err(TryLockError::Error(source)) => return Err(explained(source)),
        }
        sign(&mut lock).map_err(explained)?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Path of a file in it.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

/// Writes the process id, synced: this also shows whether the disk takes writes.
fn sign(lock: &mut File) -> io::Result<()> {
    lock.set_len(0)?;
    lock.rewind()?;
    writeln!(lock, "{}", std::process::id())?;
    lock.sync_all()
}

fn holder(lock: &mut File) -> String {
    let mut text = String::new();
    match lock.read_to_string(&mut text) {
        Ok(_) if !text.trim().is_empty() => text.trim().to_owned(),
        _ => "unknown".to_owned(),
    }
}

fn explain(path: &Path, source: io::Error) -> DataDirError {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => DataDirError::ReadOnly { path, source },
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => DataDirError::Full { path, source },
        _ => DataDirError::Io { path, source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_opener_is_told_who_has_it_until_the_first_lets_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/data");
        let first = DataDir::open(&path).unwrap();
        let refused = DataDir::open(&path).unwrap_err().to_string();
        let expected = format!(
            "data directory {} is in use by process {}; stop it or choose another with --data-dir",
            path.display(),
            std::process::id()
        );
        assert_eq!(refused, expected);
        drop(first);
        let second = DataDir::open(&path).unwrap();
        assert_eq!(second.file("upshot.lock"), path.join("upshot.lock"));
    }

    #[test]
    fn a_file_in_the_way_is_reported_with_its_path() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let refused = DataDir::open(&file.path().join("data")).unwrap_err();
        assert!(matches!(refused, DataDirError::Io { .. }), "{refused}");
    }

    #[test]
    fn what_can_be_done_is_said() {
        let said = |kind: io::ErrorKind| explain(Path::new("/data"), kind.into()).to_string();
        assert!(said(io::ErrorKind::ReadOnlyFilesystem).contains("not writable"));
        assert!(said(io::ErrorKind::PermissionDenied).contains("change its permissions"));
        assert!(said(io::ErrorKind::StorageFull).contains("is full; make room"));
        assert_eq!(said(io::ErrorKind::NotADirectory), "cannot use data directory /data");
    }
}
