//! What an expression reads: the attributes, the unit as `targetingKey`, and flagd's own `$flagd`.
//!
//! Must never know: which expressions will read it.

use crate::attributes::Attributes;
use crate::request::Request;
use datalogic_rs::bumpalo::Bump;
use datalogic_rs::{DataValue, EvalInput};
use std::cell::OnceCell;

/// First chunk of memory: holds the attributes of an ordinary request.
const CHUNK_BYTES: usize = 2_048;

/// Memory for facts, taken from the heap when the first expression is evaluated and not before.
#[derive(Default)]
pub(crate) struct Arena(OnceCell<Bump>);

/// The facts of one request about one flag or experiment; made when first asked for.
pub(crate) struct Facts<'a> {
    arena: &'a Arena,
    request: &'a Request<'a>,
    /// Read when it is needed and not before.
    key: &'a dyn AsRef<str>,
    root: OnceCell<&'a DataValue<'a>>,
}

impl<'a> Facts<'a> {
    /// What is known when `key` is asked for.
    pub(crate) const fn new(arena: &'a Arena, request: &'a Request<'a>, key: &'a dyn AsRef<str>) -> Self {
        Self { arena, request, key, root: OnceCell::new() }
    }

    /// What the request says of the unit.
    pub(crate) const fn attributes(&self) -> &'a Attributes<'a> {
        self.request.attributes
    }

    /// The object that expressions read; keys that flagd sets itself are not the request's to set.
    pub(super) fn root(&self) -> &'a DataValue<'a> {
        self.root.get_or_init(|| {
            let arena = self.arena.0.get_or_init(|| Bump::with_capacity(CHUNK_BYTES));
            let given = self.request.attributes.as_value().into_arena_value(arena);
            let given = given.ok().and_then(DataValue::as_object).unwrap_or_default();
            let second = self.request.now.as_millis().div_euclid(1_000);
            let flagd = [("flagKey", DataValue::String(self.key.as_ref())), ("timestamp", DataValue::from_i64(second))];
            let own = [
                ("targetingKey", DataValue::String(self.request.unit)),
                ("$flagd", DataValue::Object(arena.alloc_slice_copy(&flagd))),
            ];
            let mut entries = Vec::with_capacity(given.len().saturating_add(own.len()));
            entries.extend(given.iter().copied().filter(|(key, _)| own.iter().all(|(name, _)| name != key)));
            entries.extend(own);
            arena.alloc(DataValue::Object(arena.alloc_slice_copy(&entries)))
        })
    }
}
