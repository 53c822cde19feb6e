//! What the whole-system tests share.

pub mod command;
pub mod events;
pub mod lanes;
pub mod outsider;
pub mod plain;
pub mod server;
pub mod vectors;
pub mod world;
