use proptest::prelude::*;

use super::*;

/// `tests/vectors/ledger/README.md` says which program made it.
const VECTORS: &str = include_str!("../../../../../tests/vectors/ledger/chain.csv");

fn currency(code: &str) -> Currency {
    Currency::parse(code).unwrap()
}

fn usd() -> ChainId<'static> {
    ChainId { project: "default", currency: currency("USD"), partition: 3 }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Stored {
    transaction: String,
    number: u32,
    corrects: Option<u32>,
    source_event: EventId,
    date: Timestamp,
    debit: Account,
    credit: Account,
    minor: i64,
    sealed: Sealed,
}

impl Stored {
    fn line(&self) -> BookLine<'_> {
        BookLine {
            transaction: &self.transaction,
            number: self.number,
            corrects: self.corrects,
            source_event: self.source_event,
            date: self.date,
            debit: self.debit,
            credit: self.credit,
            amount: Money::new(self.minor, currency("USD")),
        }
    }
}

fn stored() -> Stored {
    Stored {
        transaction: "t:1".to_owned(),
        number: 0,
        corrects: None,
        source_event: EventId::from_bytes([1; 16]),
        date: Timestamp::default(),
        debit: Account::Processor,
        credit: Account::Sales,
        minor: 1,
        sealed: Sealed { place: 0, hash: ChainHash::from_bytes([0; HASH_BYTES]) },
    }
}

fn any_line() -> impl Strategy<Value = Stored> {
    let account = || prop::sample::select(Account::ALL.to_vec());
    let place = (0..3_u32, prop::option::of(0..3_u32));
    ("[ab]{0,3}", place, 0..3_u8, 0..3_i64, account(), account(), 1..4_i64).prop_map(
        |(transaction, (number, corrects), event, millis, debit, credit, minor)| Stored {
            transaction,
            number,
            corrects,
            source_event: EventId::from_bytes([event; 16]),
            date: Timestamp::from_millis(millis).unwrap(),
            debit,
            credit,
            minor,
            sealed: Sealed { place: 0, hash: ChainHash::from_bytes([0; HASH_BYTES]) },
        },
    )
}

/// Seals the lines from `from` on; returns every head on the way, the one before the first line included.
fn seal_lines(lines: &mut [Stored], from: usize) -> Vec<Head> {
    let mut chain = Chain::new(&usd()).unwrap();
    let mut heads = vec![chain.head()];
    for (place, line) in lines.iter_mut().enumerate() {
        let sealed = chain.append(&line.line()).unwrap();
        if place >= from {
            line.sealed = sealed;
        }
        heads.push(chain.head());
    }
    heads
}

fn any_chain() -> impl Strategy<Value = (Vec<Stored>, Vec<Head>)> {
    prop::collection::vec(any_line(), 1..30).prop_map(|mut lines| {
        let heads = seal_lines(&mut lines, 0);
        (lines, heads)
    })
}

fn verified(lines: &[Stored], heads: &[Head]) -> Result<Head, Break> {
    verify(&usd(), lines.iter().map(|stored| (stored.line(), stored.sealed)), heads)
}

fn first_bad(lines: &[Stored], heads: &[Head]) -> u64 {
    verified(lines, heads).unwrap_err().first_bad().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn what_was_sealed_verifies_against_every_head((lines, heads) in any_chain()) {
        let last = *heads.last().unwrap();
        prop_assert_eq!(verified(&lines, &heads), Ok(last));
        prop_assert_eq!(verified(&lines, &[]), Ok(last));
        prop_assert_eq!(verified(&lines, &[last]), Ok(last));
    }

    #[test]
    fn an_edited_line_is_named(
        (lines, heads) in any_chain(),
        place in any::<prop::sample::Index>(),
        other in any_line(),
    ) {
        let place = place.index(lines.len());
        let mut edited = lines.clone();
        edited[place] = Stored { sealed: lines[place].sealed, ..other };
        prop_assume!(edited != lines);
        prop_assert_eq!(first_bad(&edited, &[]), place as u64);

        // Its own hash made to fit: the next line does not follow any more; of the last line only a kept head tells.
        let mut fitted = edited.clone();
        seal_lines(&mut fitted[..=place], place);
        match fitted.get(place + 1) {
            Some(_) => prop_assert_eq!(first_bad(&fitted, &[]), place as u64 + 1),
            None => prop_assert!(verified(&fitted, &[]).is_ok()),
        }
        prop_assert!(verified(&fitted, &heads[heads.len() - 1..]).is_err());

        // Everything from there on written anew: only heads tell, and the last that agrees says up to where all is
        // well.
        seal_lines(&mut edited, place);
        prop_assert!(verified(&edited, &[]).is_ok());
        let rewritten = Break::Rewritten { agreed: place as u64, length: place as u64 + 1 };
        prop_assert_eq!(verified(&edited, &heads), Err(rewritten));
        let length = lines.len() as u64;
        let by_last = verified(&edited, &heads[heads.len() - 1..]);
        prop_assert_eq!(by_last, Err(Break::Rewritten { agreed: 0, length }));
    }

    #[test]
    fn removed_lines_are_named((lines, heads) in any_chain(), from in any::<prop::sample::Index>(), count in 1..4_usize) {
        let from = from.index(lines.len());
        let mut fewer = lines.clone();
        fewer.drain(from..lines.len().min(from + count));
        let last = &heads[heads.len() - 1..];
        prop_assert_eq!(first_bad(&fewer, last), from as u64);
        if fewer.len() > from {
            let (expected, found) = (from as u64, lines.len().min(from + count) as u64);
            prop_assert_eq!(verified(&fewer, last), Err(Break::OutOfPlace { expected, found }));
            // Places counted anew do not help.
            (0..).zip(&mut fewer).for_each(|(place, stored)| stored.sealed.place = place);
            prop_assert_eq!(first_bad(&fewer, last), from as u64);
        } else {
            let truncated = Break::Truncated { length: from as u64, expected: lines.len() as u64 };
            prop_assert_eq!(verified(&fewer, last), Err(truncated));
            prop_assert!(verified(&fewer, &[]).is_ok(), "without a head nobody can know");
        }
    }

    #[test]
    fn swapped_and_repeated_lines_are_named(
        (lines, _) in any_chain(),
        one in any::<prop::sample::Index>(),
        other in any::<prop::sample::Index>(),
        keeps_places in any::<bool>(),
    ) {
        let (one, other) = (one.index(lines.len()), other.index(lines.len()));
        let mut swapped = lines.clone();
        swapped.swap(one, other);
        let mut repeated = lines.clone();
        repeated.insert(one + 1, lines[one].clone());
        if keeps_places {
            for changed in [&mut swapped, &mut repeated] {
                (0..).zip(changed.iter_mut()).for_each(|(place, stored)| stored.sealed.place = place);
            }
        }
        if one != other {
            prop_assert_eq!(first_bad(&swapped, &[]), one.min(other) as u64);
        }
        prop_assert_eq!(first_bad(&repeated, &[]), one as u64 + 1);
    }

    #[test]
    fn verification_can_go_on_from_a_head((lines, heads) in any_chain(), at in any::<prop::sample::Index>()) {
        let at = at.index(lines.len());
        let mut verifier = Verifier::resume(currency("USD"), heads[at], &heads[at..]).unwrap();
        for stored in &lines[at..] {
            verifier.check(&stored.line(), stored.sealed).unwrap();
        }
        prop_assert_eq!(verifier.end(), Ok(*heads.last().unwrap()));
    }
}

#[test]
fn every_part_of_a_line_and_of_a_chains_name_is_in_the_hash() {
    let line = BookLine {
        transaction: "t:1",
        number: 1,
        corrects: None,
        source_event: EventId::from_bytes([1; 16]),
        date: Timestamp::from_millis(5).unwrap(),
        debit: Account::Processor,
        credit: Account::Sales,
        amount: Money::new(7, currency("USD")),
    };
    let others = [
        BookLine { transaction: "t:2", ..line },
        BookLine { source_event: EventId::from_bytes([2; 16]), ..line },
        BookLine { date: Timestamp::from_millis(6).unwrap(), ..line },
        BookLine { debit: Account::Fees, ..line },
        BookLine { credit: Account::Fees, ..line },
        BookLine { amount: Money::new(8, currency("USD")), ..line },
        BookLine { number: 0, ..line },
        BookLine { corrects: Some(0), ..line },
        BookLine { corrects: Some(1), ..line },
    ];
    let hash = |id: ChainId<'_>, line| Chain::new(&id).unwrap().append(line).unwrap().hash;
    let mut hashes: Vec<ChainHash> = others.iter().map(|line| hash(usd(), line)).collect();
    hashes.push(hash(usd(), &line));
    hashes.push(hash(ChainId { project: "other", ..usd() }, &line));
    hashes.push(hash(ChainId { partition: 4, ..usd() }, &line));
    let count = hashes.len();
    hashes.sort();
    hashes.dedup();
    assert_eq!(hashes.len(), count);
}

#[test]
fn a_line_of_another_currency_is_refused_and_changes_nothing() {
    let mut chain = Chain::new(&usd()).unwrap();
    let before = chain.head();
    let eur = Money::new(1, currency("EUR"));
    let line = BookLine {
        transaction: "t:1",
        number: 1,
        corrects: None,
        source_event: EventId::from_bytes([1; 16]),
        date: Timestamp::default(),
        debit: Account::Fees,
        credit: Account::Processor,
        amount: eur,
    };
    let error = ChainError::WrongCurrency { wanted: currency("USD"), found: currency("EUR") };
    assert_eq!(chain.append(&line), Err(error.clone()));
    assert_eq!(chain.head(), before);
    let sealed = Sealed { place: 0, hash: before.hash };
    let found = verify(&usd(), [(line, sealed)], &[]);
    assert_eq!(found, Err(Break::Foreign { place: 0, source: error }));
    let full = Head { length: u64::MAX, ..before };
    let usd_line = BookLine { amount: Money::new(1, currency("USD")), ..line };
    assert_eq!(Chain::resume(currency("USD"), full).append(&usd_line), Err(ChainError::Full));
}

#[test]
fn heads_must_get_longer() {
    let mut lines = vec![];
    let empty = seal_lines(&mut lines, 0)[0];
    let longer = Head { length: 1, ..empty };
    for heads in [[longer, empty], [longer, longer]] {
        let length = heads[1].length;
        assert_eq!(Verifier::new(&usd(), &heads).unwrap_err(), ChainError::HeadOrder { length });
    }
    // No line is at fault then, not even a line that is there.
    lines.push(stored());
    seal_lines(&mut lines, 0);
    let found = verified(&lines, &[longer, empty]).unwrap_err();
    assert_eq!(found, Break::Heads { source: ChainError::HeadOrder { length: 0 } });
    assert_eq!(found.first_bad(), None);
    lines.clear();
    let behind = [empty];
    let resumed = Verifier::resume(currency("USD"), longer, &behind);
    assert_eq!(resumed.unwrap_err(), ChainError::HeadOrder { length: 0 });
    assert_eq!(verified(&lines, &[empty, longer]), Err(Break::Truncated { length: 0, expected: 1 }));
}

#[test]
fn hashes_read_back_and_nothing_else_is_read() {
    let hash = ChainHash::from_bytes(std::array::from_fn(|byte| byte as u8 * 8));
    assert_eq!(ChainHash::parse(&hash.to_string()), Ok(hash));
    let text = hash.to_string();
    for wrong in
        ["", &text[1..], &text[2..], &text.to_uppercase(), &format!("{text}00"), &"g".repeat(64), &"é".repeat(32)]
    {
        assert_eq!(ChainHash::parse(wrong), Err(InvalidHash), "{wrong}");
    }
}

#[test]
fn hashes_are_those_of_an_independent_program() {
    let mut chains: Vec<(ChainId<'_>, Chain)> = Vec::new();
    let mut seals = 0;
    for row in VECTORS.lines().skip(1) {
        let cells: Vec<&str> = row.split(',').collect();
        let [project, code, partition, place, transaction, number, corrects, event, date, debit, credit, minor, hash] =
            cells.try_into().unwrap();
        let expected = ChainHash::parse(hash).unwrap();
        if project == "seal" {
            seals += 1;
            let backwards = chains.iter().rev().map(|(id, chain)| (*id, chain.head()));
            assert_eq!(seal(backwards), Ok(expected));
            let twice = chains.iter().chain(&chains).map(|(id, chain)| (*id, chain.head()));
            assert!(matches!(seal(twice), Err(ChainError::TwoHeads { .. })));
            continue;
        }
        let id = ChainId { project, currency: currency(code), partition: partition.parse().unwrap() };
        if chains.last().is_none_or(|(last, _)| *last != id) {
            chains.push((id, Chain::new(&id).unwrap()));
        }
        let (_, chain) = chains.last_mut().unwrap();
        if place.is_empty() {
            assert_eq!(chain.head(), Head { length: 0, hash: expected });
            continue;
        }
        let line = BookLine {
            transaction,
            number: number.parse().unwrap(),
            corrects: (!corrects.is_empty()).then(|| corrects.parse().unwrap()),
            source_event: EventId::parse(event).unwrap(),
            date: Timestamp::from_millis(date.parse().unwrap()).unwrap(),
            debit: Account::parse(debit).unwrap(),
            credit: Account::parse(credit).unwrap(),
            amount: Money::new(minor.parse().unwrap(), id.currency),
        };
        assert_eq!(chain.append(&line), Ok(Sealed { place: place.parse().unwrap(), hash: expected }));
    }
    assert_eq!((chains.len(), seals), (4, 1));
}
