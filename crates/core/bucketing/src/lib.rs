//! bucketing
