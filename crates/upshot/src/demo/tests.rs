//! Tests of the demo without a server: the plan against its truth, the messages, and the report of a platform that
//! makes no error.

mod messages;
mod plan;
mod report;
