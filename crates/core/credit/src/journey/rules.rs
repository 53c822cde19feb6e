//! How journeys are cut: windows and their precedence, what ends the reach of a touch, which conversions count.
//!
//! Must never know: models, other than the window that one brings.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ids::{EventId, Timestamp};

use crate::{Conversion, DynamicWindows, RuleModel, Span, Touch, TouchKind};

/// Which earlier conversion takes the touches up to its own millisecond away from the later ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Reset {
    /// Any conversion of the person.
    PreviousConversion,
    /// A conversion of the same type.
    #[default]
    PreviousOfType,
    /// None: a touch counts for every conversion whose window holds it.
    None,
}

/// What must follow a conversion for it to count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activation {
    /// Type of the milestone or conversion that must follow. Of the conversions of one transaction the earliest alone
    /// is one, so no transaction activates itself by being reported twice.
    pub event_type: Arc<str>,
    /// How soon: at the conversion's millisecond or within this long after it, both ends included.
    pub within: Span,
}

/// How far a journey reaches back, and for which conversions there is one.
///
/// The window of a touch is the first that is given: of the model, of its link, of its campaign, of its channel, of its
/// channel as found dynamically, of the conversion's type, the general one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JourneyRules {
    /// The general window, 30 days by default.
    pub window: Span,
    /// Windows of channels that have their own.
    pub channel_windows: BTreeMap<Arc<str>, Span>,
    /// Windows of conversion types that have their own.
    pub type_windows: BTreeMap<Arc<str>, Span>,
    /// What ends the reach of a touch before its window does.
    pub reset: Reset,
    /// Windows of campaigns that have their own.
    pub campaign_windows: BTreeMap<Arc<str>, Span>,
    /// Windows of tracking links that have their own.
    pub link_windows: BTreeMap<Arc<str>, Span>,
    /// Windows of channels by their own latencies. A conversion is served by the version with the latest date that is
    /// not after it; of equal dates by the later in this list.
    pub dynamic_windows: Vec<DynamicWindows>,
    /// The one window of all touches, where a model brings its own.
    pub model_window: Option<Span>,
    /// By conversion type, what must follow. A conversion that nothing of the kind follows has no journey, and closes
    /// none.
    pub activations: BTreeMap<Arc<str>, Activation>,
    /// The family of touches that journeys are made of.
    pub family: TouchKind,
}

impl Default for JourneyRules {
    fn default() -> Self {
        Self {
            window: Span::THIRTY_DAYS,
            channel_windows: BTreeMap::new(),
            type_windows: BTreeMap::new(),
            reset: Reset::default(),
            campaign_windows: BTreeMap::new(),
            link_windows: BTreeMap::new(),
            dynamic_windows: Vec::new(),
            model_window: None,
            activations: BTreeMap::new(),
            family: TouchKind::default(),
        }
    }
}

impl JourneyRules {
    /// The rules under which journeys are cut for this model: its own window wins over all others. For models without
    /// one, the same rules.
    #[must_use]
    pub fn for_model(&self, model: &RuleModel) -> Self {
        Self { model_window: model.window().or(self.model_window), ..self.clone() }
    }

    /// The windows that hold for one conversion.
    pub(super) fn windows<'r>(&'r self, conversion: &Conversion) -> Windows<'r> {
        let in_force = self.dynamic_windows.iter().filter(|version| version.effective_from <= conversion.at);
        let dynamic = in_force.max_by_key(|version| version.effective_from).map(|version| &version.windows);
        let general = *self.type_windows.get(&conversion.conversion_type).unwrap_or(&self.window);
        Windows { rules: self, dynamic, general }
    }

    /// Whether the conversion counts; `steps` are the person's milestones and conversions by type.
    pub(super) fn activated(
        &self,
        conversion: &Conversion,
        steps: &BTreeMap<&str, BTreeSet<(Timestamp, EventId)>>,
    ) -> bool {
        let Some(activation) = self.activations.get(&conversion.conversion_type) else { return true };
        let Some(steps) = steps.get(&*activation.event_type) else { return false };
        let mut following = steps.range((conversion.at, EventId::from_bytes([0; 16]))..);
        following
            .find(|(_, event_id)| *event_id != conversion.event_id)
            .is_some_and(|(at, _)| at.millis_since(conversion.at) <= activation.within.as_millis())
    }
}

/// The windows of one conversion's touches.
pub(super) struct Windows<'r> {
    rules: &'r JourneyRules,
    dynamic: Option<&'r BTreeMap<Arc<str>, Span>>,
    general: Span,
}

impl Windows<'_> {
    /// No touch has a longer one.
    pub(super) fn widest(&self) -> Span {
        if let Some(window) = self.rules.model_window {
            return window;
        }
        let dynamic = self.dynamic.into_iter().flat_map(BTreeMap::values);
        let rules = self.rules;
        let named = [&rules.channel_windows, &rules.campaign_windows, &rules.link_windows];
        let own = named.into_iter().flat_map(BTreeMap::values).chain(dynamic);
        own.fold(self.general, |widest, window| widest.max(*window))
    }

    /// Whether all touches have the same.
    pub(super) fn is_uniform(&self) -> bool {
        let rules = self.rules;
        let named = [&rules.channel_windows, &rules.campaign_windows, &rules.link_windows];
        rules.model_window.is_some() || (named.into_iter().all(BTreeMap::is_empty) && self.dynamic.is_none())
    }

    /// That of a touch.
    pub(super) fn of(&self, touch: &Touch) -> Span {
        let rules = self.rules;
        let of_link = || touch.link.as_ref().and_then(|link| rules.link_windows.get(link));
        let of_campaign = || touch.campaign.as_ref().and_then(|campaign| rules.campaign_windows.get(campaign));
        let of_channel = || rules.channel_windows.get(&touch.channel);
        let dynamic = || self.dynamic.and_then(|windows| windows.get(&touch.channel));
        let own =
            rules.model_window.as_ref().or_else(of_link).or_else(of_campaign).or_else(of_channel).or_else(dynamic);
        *own.unwrap_or(&self.general)
    }
}
