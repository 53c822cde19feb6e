//! Who is to be asked for, and which variants they were given.
//!
//! Must never know: how variants are decided, the wire.

use super::population::{Arm, Population};

/// Somebody whose variant is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// User id, if known at that time.
    pub user: Option<String>,
    /// Anonymous id.
    pub device: String,
    /// Whether analytics is allowed.
    pub analytics: bool,
}

/// What the platform decided.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Answer {
    /// The variant.
    pub arm: Arm,
    /// Revision of the experiment.
    pub revision: u32,
    /// Probability with which the variant was given.
    pub propensity: f64,
}

/// The answers for one person.
#[derive(Clone, Copy, Debug)]
pub struct Decision {
    /// At the first exposure.
    pub first: Answer,
    /// After the login, where it was asked again.
    pub again: Option<Answer>,
}

impl Decision {
    /// Whether the person met two variants and is therefore left out of estimates.
    pub fn mixed(&self) -> bool {
        self.again.is_some_and(|again| again.arm != self.first.arm)
    }
}

/// Everybody's decisions.
#[derive(Clone, Debug)]
pub struct Decisions {
    /// By person.
    pub people: Vec<Decision>,
    /// By bot.
    pub bots: Vec<Answer>,
}

/// What is asked, in a fixed order: each person once or twice, then the bots.
pub fn questions(population: &Population) -> Vec<Question> {
    let mut questions = Vec::new();
    for person in &population.people {
        for at_ms in std::iter::once(person.exposed_ms).chain(person.asked_again_ms) {
            let user = person.user_at(at_ms).map(str::to_owned);
            questions.push(Question { user, device: person.device.clone(), analytics: person.consent.analytics });
        }
    }
    let bots = population.bots.iter();
    questions.extend(bots.map(|bot| Question { user: None, device: bot.device.clone(), analytics: true }));
    questions
}

/// Gives the answers, one per question and in the order of [`questions`], to whom they belong.
pub fn decisions(population: &Population, answers: &[Answer]) -> Decisions {
    let mut people = Vec::with_capacity(population.people.len());
    let mut next = 0;
    for person in &population.people {
        let again = person.asked_again_ms.map(|_| answers[next + 1]);
        people.push(Decision { first: answers[next], again });
        next += 1 + usize::from(again.is_some());
    }
    Decisions { people, bots: answers[next..].to_vec() }
}
