use super::*;

const RULES: BotRules = BotRules { touches: 30, window_ms: 60_000 };

fn device() -> ActorKey {
    ActorKey::Anonymous("d".into())
}

fn seen(id: u8, at: i64, user: &str) -> Seen {
    Seen { event_id: vec![id; 16], occurred_ms: at, counts: true, user: user.into(), ..Seen::default() }
}

fn touches(count: u8, last_ms: i64) -> Vec<Seen> {
    (0..count)
        .map(|index| Seen {
            touch: true,
            occurred_ms: if index + 1 == count { last_ms } else { i64::from(index) },
            ..seen(index, 0, "")
        })
        .collect()
}

fn person(events: &[Seen]) -> String {
    judge(&device(), RULES, events.iter()).person.map(|person| person.to_string()).unwrap_or_default()
}

#[test]
fn one_user_owns_the_device_backwards_in_time_too() {
    assert_eq!(person(&[seen(1, 10, ""), seen(2, 99, "u1")]), "u:u1");
}

#[test]
fn two_users_share_it_and_own_nothing() {
    assert_eq!(person(&[seen(1, 10, ""), seen(2, 20, "u1"), seen(3, 30, "u2")]), "a:d");
}

#[test]
fn reversals_link_nobody() {
    let refund = Seen { counts: false, money_key: "t:T".into(), ..seen(2, 20, "u2") };
    assert_eq!(person(&[seen(1, 10, "u1"), refund]), "u:u1");
}

#[test]
fn thirty_touches_within_a_closed_minute_are_a_burst() {
    assert_eq!(judge(&device(), RULES, touches(30, 60_000).iter()).bot, Some(Bot::Burst));
    assert_eq!(judge(&device(), RULES, touches(30, 60_001).iter()).bot, None);
    assert_eq!(judge(&device(), RULES, touches(29, 0).iter()).bot, None);
}

#[test]
fn a_declared_bot_is_declared_even_when_it_bursts_and_links_nobody() {
    let mut events = touches(30, 100);
    events[0].declares_bot = true;
    events[1].user = "u1".into();
    let standings = judge(&device(), RULES, events.iter());
    assert_eq!(standings.bot, Some(Bot::Declared));
    assert!(standings.users.is_empty());
}

#[test]
fn an_operators_latest_word_counts() {
    let linked = Seen { counts: false, link_user: "u9".into(), ..seen(5, 50, "") };
    let unlinked = Seen { counts: false, unlink: true, ..seen(6, 60, "") };
    assert_eq!(person(&[seen(1, 10, "u1"), linked.clone()]), "u:u9");
    assert_eq!(person(&[unlinked, seen(1, 10, "u1"), linked]), "a:d");
    let cleared = Seen { counts: false, bot_word: 2, ..seen(7, 70, "") };
    let mut events = touches(30, 100);
    events.push(cleared);
    assert_eq!(judge(&device(), RULES, events.iter()).bot, None);
}
