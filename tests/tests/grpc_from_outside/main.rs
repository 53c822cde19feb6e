//! Everything that a tool without our contracts can do: find what is served, call it in JSON, be told what is wrong.

mod calls_in_json;
mod reflection;
mod wrong_input;
