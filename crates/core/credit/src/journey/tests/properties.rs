//! Journeys of any history beside a literal reading of the rules.

use super::*;

fn any_touch() -> impl Strategy<Value = Touch> {
    let options = (prop::option::of(0usize..2), prop::option::of(Just("spring-1")));
    (0u8..40, 0i64..60, 0usize..3, options).prop_map(|(number, time, channel, (campaign, link))| Touch {
        link: link.map(Into::into),
        campaign: campaign.map(|campaign| ["spring", "autumn"][campaign].into()),
        ..touch(number, time, ["a", "b", "c"][channel])
    })
}

fn any_conversion() -> impl Strategy<Value = Conversion> {
    (0u8..40, 0i64..60, 0usize..2, prop::option::of(0u8..3)).prop_map(|(number, time, kind, transaction)| Conversion {
        transaction: transaction.map(|t| t.to_string()),
        ..of_type(number, time, ["signup", "purchase"][kind])
    })
}

fn any_rules() -> impl Strategy<Value = JourneyRules> {
    let reset = prop::sample::select(vec![Reset::PreviousConversion, Reset::PreviousOfType, Reset::None]);
    let own = || prop::option::of(1i64..60);
    let windows = (own(), own(), own(), own(), own());
    let dynamic = prop::collection::vec((0i64..60, 1i64..60), 0..3);
    (reset, 1i64..60, windows, dynamic, prop::option::of(1i64..30)).prop_map(
        |(reset, window, (a, signup, spring, link, model), dynamic, activated)| {
            let span = |ms| Span::from_millis(ms).unwrap();
            let named = |name: &str, ms: Option<i64>| ms.map(|ms| (name.into(), span(ms))).into_iter().collect();
            let version =
                |(from, ms): (i64, i64)| DynamicWindows { effective_from: at(from), windows: named("b", Some(ms)) };
            let mut dynamic: Vec<DynamicWindows> = dynamic.into_iter().map(version).collect();
            dynamic.dedup_by_key(|version| version.effective_from);
            JourneyRules {
                window: span(window),
                channel_windows: named("a", a),
                type_windows: named("signup", signup),
                reset,
                campaign_windows: named("spring", spring),
                link_windows: named("spring-1", link),
                dynamic_windows: dynamic,
                model_window: model.filter(|ms| ms % 5 == 0).map(span),
                activations: activated
                    .map(|ms| ("signup".into(), Activation { event_type: "purchase".into(), within: span(ms) }))
                    .into_iter()
                    .collect(),
                family: TouchKind::Marketing,
            }
        },
    )
}

/// The rules as sentences, without sorting or searching; sets in, sets out.
fn literal(
    touches: &BTreeSet<Touch>,
    conversions: &BTreeSet<Conversion>,
    rules: &JourneyRules,
) -> Vec<(Conversion, Vec<Touch>)> {
    let earlier_report = |c: &Conversion| conversions.iter().any(|o| o < c && o.transaction == c.transaction);
    let first = |c: &&Conversion| c.transaction.is_none() || !earlier_report(c);
    let activated = |c: &Conversion| {
        rules.activations.get(&c.conversion_type).is_none_or(|activation| {
            conversions.iter().filter(|o| first(o)).any(|o| {
                let after = o.at.millis_since(c.at);
                let follows = o.event_id != c.event_id && (0..=activation.within.as_millis()).contains(&after);
                follows && o.conversion_type == activation.event_type
            })
        })
    };
    let kept: Vec<&Conversion> = conversions.iter().filter(first).filter(|c| activated(c)).collect();
    let closes = |o: &Conversion, c: &Conversion| match rules.reset {
        Reset::PreviousConversion => o < c,
        Reset::PreviousOfType => o < c && o.conversion_type == c.conversion_type,
        Reset::None => false,
    };
    let window = |t: &Touch, c: &Conversion| {
        let mut window = *rules.type_windows.get(&c.conversion_type).unwrap_or(&rules.window);
        let mut newest = Timestamp::MIN;
        for version in rules.dynamic_windows.iter().filter(|version| version.effective_from <= c.at) {
            if version.effective_from >= newest {
                newest = version.effective_from;
                window = *version.windows.get(&t.channel).unwrap_or(&window);
            }
        }
        window = *rules.channel_windows.get(&t.channel).unwrap_or(&window);
        let of_campaign = t.campaign.as_ref().and_then(|campaign| rules.campaign_windows.get(campaign));
        let of_link = t.link.as_ref().and_then(|link| rules.link_windows.get(link));
        rules.model_window.unwrap_or(*of_link.or(of_campaign).unwrap_or(&window)).as_millis()
    };
    let holds = |c: &Conversion, t: &Touch| {
        t.at <= c.at && c.at.millis_since(t.at) <= window(t, c) && !kept.iter().any(|o| closes(o, c) && t.at <= o.at)
    };
    kept.iter().map(|c| ((*c).clone(), touches.iter().filter(|t| holds(c, t)).cloned().collect())).collect()
}

/// Keeps one event per (time, id), as ingestion does.
fn distinct<T: Clone + Ord>(events: &[T], key: impl Fn(&T) -> (Timestamp, ids::EventId)) -> Vec<T> {
    let by_key: BTreeMap<_, _> = events.iter().map(|event| (key(event), event.clone())).collect();
    by_key.into_values().collect()
}

proptest! {
    #[test]
    fn follows_the_rules_literally_whatever_the_input_order(
        (touches, conversions, rules) in
            (prop::collection::vec(any_touch(), 0..30), prop::collection::vec(any_conversion(), 0..8), any_rules()),
        seed in any::<prop::sample::Index>(),
    ) {
        let touches = distinct(&touches, |t| (t.at, t.event_id));
        let conversions = distinct(&conversions, |c| (c.at, c.event_id));
        let expected = literal(
            &touches.iter().cloned().collect(), &conversions.iter().cloned().collect(), &rules);

        let mut shuffled = (touches.clone(), conversions.clone());
        shuffled.0.extend(touches.iter().take(3).cloned());
        let (by_touch, by_conversion) = (seed.index(shuffled.0.len().max(1)), seed.index(conversions.len().max(1)));
        shuffled.0.rotate_left(by_touch.min(touches.len()));
        shuffled.0.reverse();
        shuffled.1.rotate_left(by_conversion.min(conversions.len()));
        let found: Vec<_> = journeys(&shuffled.0, &shuffled.1, &rules)
            .iter()
            .map(|j| (j.conversion().clone(), j.touches().iter().map(|t| (*t).clone()).collect::<Vec<_>>()))
            .collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn two_contents_under_one_id_and_time_count_once_and_alike(left in any_touch(), channel in "[a-c]") {
        let right = Touch { channel: channel.as_str().into(), ..left.clone() };
        let conversions = [Conversion { at: at(100), ..conversion(1, 0) }];
        let rules = JourneyRules::default();
        let one_way = [left.clone(), right.clone()];
        let other_way = [right, left];
        let found = all_channels(&one_way, &conversions, &rules);
        prop_assert_eq!(found[0].len(), 1);
        prop_assert_eq!(found, all_channels(&other_way, &conversions, &rules));
    }
}
