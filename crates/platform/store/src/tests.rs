use sea_orm_migration::MigrationTrait;

use super::*;

struct NoTables;

impl MigratorTrait for NoTables {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        Vec::new()
    }
}

async fn open(path: &Path) -> Database {
    Database::open_sqlite::<NoTables>(path).await.unwrap()
}

async fn run(write: &Write, sql: &str) -> Result<(), StoreError> {
    write.connection().execute_unprepared(sql).await.map(|_| ()).map_err(StoreError::from)
}

async fn kept(database: &Database) -> Vec<i64> {
    let rows = database.reader().query_all_raw(statement("SELECT id FROM item ORDER BY id", [])).await.unwrap();
    rows.iter().map(|row| column(row, 0).unwrap()).collect()
}

/// A table, and one whose commit fails unless its rows name items.
async fn with_tables(path: &Path) -> Database {
    let database = open(path).await;
    let write = database.begin().await.unwrap();
    run(&write, "CREATE TABLE item (id INTEGER PRIMARY KEY)").await.unwrap();
    run(&write, "CREATE TABLE name (item INTEGER REFERENCES item (id) DEFERRABLE INITIALLY DEFERRED)").await.unwrap();
    run(&write, "INSERT INTO item VALUES (1)").await.unwrap();
    write.commit().await.unwrap();
    database
}

#[tokio::test]
async fn a_commit_after_failures_of_every_kind_is_durable() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("some.sqlite");
    let database = with_tables(&path).await;

    // SQLite rolls back by itself, as it does when a disk is full.
    let write = database.begin().await.unwrap();
    run(&write, "INSERT OR ROLLBACK INTO item VALUES (1)").await.unwrap_err();
    drop(write);
    // A commit that fails leaves its transaction open.
    let write = database.begin().await.unwrap();
    run(&write, "INSERT INTO item VALUES (2)").await.unwrap();
    run(&write, "INSERT INTO name VALUES (99)").await.unwrap();
    write.commit().await.unwrap_err();

    let write = database.begin().await.unwrap();
    run(&write, "INSERT INTO item VALUES (3)").await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(kept(&database).await, [1, 3], "others see it at once");
    database.close().await.unwrap();
    assert_eq!(kept(&open(&path).await).await, [1, 3]);
}

#[tokio::test]
async fn a_transaction_that_is_dropped_leaves_nothing_and_lets_the_next_one_in() {
    let folder = tempfile::tempdir().unwrap();
    let database = with_tables(&folder.path().join("some.sqlite")).await;
    for id in 2..5 {
        let write = database.begin().await.unwrap();
        run(&write, &format!("INSERT INTO item VALUES ({id})")).await.unwrap();
        drop(write);
    }
    let write = database.begin().await.unwrap();
    run(&write, "INSERT INTO item VALUES (5)").await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(kept(&database).await, [1, 5]);
}
