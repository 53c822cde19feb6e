//! What can go wrong with a database.

use std::path::PathBuf;

/// A database operation failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be opened or migrated.
    #[error("cannot open the database {path}; is the directory writable and the disk not full?")]
    Open {
        /// The file.
        path: PathBuf,
        /// What the driver says.
        #[source]
        source: sea_orm::DbErr,
    },
    /// A statement failed.
    #[error("a database statement failed")]
    Database(#[source] sea_orm::DbErr),
    /// The disk is full, read-only or broken: nothing of the transaction was kept.
    #[error("the disk refuses to write: full, read-only or broken")]
    Disk(#[source] sea_orm::DbErr),
    /// A stored value does not read back.
    #[error("stored {what} does not read back")]
    Corrupt {
        /// Which value.
        what: &'static str,
    },
}

/// SQLite's result codes for a disk that refuses: READONLY, IOERR, FULL.
const DISK_CODES: [u32; 3] = [8, 10, 13];

impl From<sea_orm::DbErr> for StoreError {
    fn from(source: sea_orm::DbErr) -> Self {
        if is_disk(&source) { Self::Disk(source) } else { Self::Database(source) }
    }
}

/// The primary code is the low byte of SQLite's extended code, which the driver gives as decimal text.
fn is_disk(error: &sea_orm::DbErr) -> bool {
    use sea_orm::{DbErr, RuntimeErr};
    let (DbErr::Conn(RuntimeErr::SqlxError(inner))
    | DbErr::Exec(RuntimeErr::SqlxError(inner))
    | DbErr::Query(RuntimeErr::SqlxError(inner))) = error
    else {
        return false;
    };
    inner
        .as_database_error()
        .and_then(|database| database.code())
        .and_then(|code| code.parse::<u32>().ok())
        .is_some_and(|code| DISK_CODES.contains(&(code & 0xff)))
}
