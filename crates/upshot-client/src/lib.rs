//! upshot-client
