//! Tables of every service, one module each. A step that has been released is never changed; new ones are added.

/// Tables of analysis.
pub mod analysis;
/// Tables of assignment.
pub mod assignment;
/// Tables of attribution.
pub mod attribution;
/// Tables of ingestion.
pub mod ingestion;
/// Tables of revenue.
pub mod revenue;

/// Declares a migrator whose steps are functions from a connection; names are fixed for ever.
macro_rules! steps {
    ($($name:ident = $text:literal => $apply:ident),+ $(,)?) => {
        /// Brings the service's tables up to date.
        #[derive(Debug)]
        pub struct Migrator;

        #[async_trait::async_trait]
        impl sea_orm_migration::MigratorTrait for Migrator {
            fn migrations() -> Vec<Box<dyn sea_orm_migration::MigrationTrait>> {
                $(
                    struct $name;

                    impl sea_orm_migration::MigrationName for $name {
                        fn name(&self) -> &str {
                            $text
                        }
                    }

                    #[async_trait::async_trait]
                    impl sea_orm_migration::MigrationTrait for $name {
                        async fn up(
                            &self,
                            manager: &sea_orm_migration::SchemaManager,
                        ) -> Result<(), sea_orm_migration::sea_orm::DbErr> {
                            $apply(manager.get_connection()).await
                        }
                    }
                )+
                vec![$(Box::new($name)),+]
            }
        }
    };
}
pub(crate) use steps;
