//! A knowledge base of persons who never lived: what is known of each, how a sentence states it, and
//! what a text claims.
//!
//! Owns facts, the sentences that state them and how these are read back. It does not know who writes
//! texts, or what a mistake in one is worth.

mod words;

use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// What kind of fact. A person has one of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// The year of birth.
    Born,
    /// Where the person was born.
    City,
    /// Where the person lives; never the place of birth.
    Home,
    /// The profession.
    Work,
    /// The instrument that the person plays.
    Plays,
    /// The year of a prize.
    Prize,
}

impl Kind {
    /// All kinds, in the order in which [`Person::facts`] has them.
    pub const ALL: [Kind; 6] = [
        Kind::Born,
        Kind::City,
        Kind::Home,
        Kind::Work,
        Kind::Plays,
        Kind::Prize,
    ];

    /// Its name in questions and claims.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Born => "born",
            Kind::City => "city",
            Kind::Home => "home",
            Kind::Work => "work",
            Kind::Plays => "plays",
            Kind::Prize => "prize",
        }
    }

    /// The words that may stand for a fact of this kind; `None` where it is a year.
    pub fn words(self) -> Option<&'static [&'static str]> {
        match self {
            Kind::Born | Kind::Prize => None,
            Kind::City | Kind::Home => Some(&words::CITIES),
            Kind::Work => Some(&words::PROFESSIONS),
            Kind::Plays => Some(&words::INSTRUMENTS),
        }
    }

    /// Ways to state it, after the subject; `_` stands for the fact.
    pub fn phrases(self) -> [&'static str; 3] {
        match self {
            Kind::Born => [
                "was born in _",
                "came into the world in _",
                "first saw the light in _",
            ],
            Kind::City => ["comes from _", "grew up in _", "was a child in _"],
            Kind::Home => ["lives in _", "moved to _", "has a house in _"],
            Kind::Work => ["works as a _", "is a _", "became a _ early on"],
            Kind::Plays => ["plays the _", "owns a fine _", "learnt the _ as a child"],
            Kind::Prize => [
                "won a prize in _",
                "was honoured in _",
                "received a medal in _",
            ],
        }
    }

    fn takes(self, value: &str) -> bool {
        match self.words() {
            Some(words) => words.contains(&value),
            None => value.len() == 4 && value.bytes().all(|byte| byte.is_ascii_digit()),
        }
    }
}

impl FromStr for Kind {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        let named = Kind::ALL.into_iter().find(|kind| kind.word() == word);
        named.ok_or(())
    }
}

/// That something is so. [`fmt::Display`] and [`FromStr`] write and read `born 1953`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Claim {
    /// What kind of fact.
    pub kind: Kind,
    /// What the fact is said to be.
    pub value: String,
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.word(), self.value)
    }
}

impl FromStr for Claim {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let [kind, value] = words[..] else {
            return Err(());
        };
        let kind: Kind = kind.parse()?;
        let claim = kind.takes(value).then(|| Claim {
            kind,
            value: value.to_owned(),
        });
        claim.ok_or(())
    }
}

/// Somebody in the knowledge base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// First and last name.
    pub name: String,
    /// `she` or `he`.
    pub pronoun: &'static str,
    /// What is known, in the order of [`Kind::ALL`].
    pub facts: Facts,
}

/// One fact of each kind, in the order of [`Kind::ALL`].
pub type Facts = [String; Kind::ALL.len()];

impl Person {
    /// What is so.
    pub fn fact(&self, kind: Kind) -> &str {
        &self.facts[kind as usize]
    }

    /// What a text says of this person, sentence by sentence: `None` for a sentence that says nothing
    /// that could be looked up. White space does not count.
    pub fn claims(&self, text: &str) -> Vec<Option<Claim>> {
        let sentences = text.split('.').map(|sentence| {
            let words: Vec<&str> = sentence.split_whitespace().collect();
            (!words.is_empty()).then(|| self.claim(&words))
        });
        sentences.flatten().collect()
    }

    fn claim(&self, words: &[&str]) -> Option<Claim> {
        let name: Vec<&str> = self.name.split(' ').collect();
        let rest = match words {
            ["she" | "he", rest @ ..] => rest,
            _ => words.strip_prefix(&name[..])?,
        };
        Kind::ALL.into_iter().find_map(|kind| {
            let mut phrases = kind.phrases().into_iter();
            phrases.find_map(|phrase| {
                let value = filled(phrase, rest).filter(|value| kind.takes(value))?;
                Some(Claim {
                    kind,
                    value: value.to_owned(),
                })
            })
        })
    }
}

/// What stands in the place of `_`, where the words are those of the phrase.
fn filled<'w>(phrase: &str, words: &[&'w str]) -> Option<&'w str> {
    let expected: Vec<&str> = phrase.split(' ').collect();
    let at = expected.iter().position(|word| *word == "_")?;
    let same = expected.len() == words.len()
        && expected
            .iter()
            .zip(words)
            .all(|(expected, word)| *expected == "_" || expected == word);
    same.then(|| words[at])
}

/// Persons to train with, and others to evaluate with.
#[derive(Debug)]
pub struct Knowledge {
    persons: Vec<Person>,
    trained: usize,
    places: HashMap<Arc<str>, usize>,
}

/// How many persons there can be: every first name with every last name.
pub const MOST_PERSONS: usize = words::WOMEN.len() * words::LAST_NAMES.len() * 2;

/// Years of birth. Prizes follow at an age of 20 to 59, so that no year of birth is after any prize.
const YEARS_OF_BIRTH: std::ops::RangeInclusive<u32> = 1860..=1959;

impl Knowledge {
    /// Draws persons to train with and persons to hold out, no two of the same name; as many as there
    /// are names where more are asked for.
    pub fn draw(trained: usize, held_out: usize, seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut names: Vec<(&str, &str, &str)> = Vec::new();
        for (pronoun, first_names) in [("she", words::WOMEN), ("he", words::MEN)] {
            for first in first_names {
                names.extend(words::LAST_NAMES.map(|last| (pronoun, first, last)));
            }
        }
        names.shuffle(&mut random);
        let persons: Vec<Person> = names
            .into_iter()
            .take(trained + held_out)
            .map(|(pronoun, first, last)| Person {
                name: format!("{first} {last}"),
                pronoun,
                facts: draw_facts(&mut random),
            })
            .collect();
        let places = persons.iter().zip(0..);
        Knowledge {
            places: places
                .map(|(person, place)| (person.name.as_str().into(), place))
                .collect(),
            trained,
            persons,
        }
    }

    /// Persons to train with.
    pub fn trained(&self) -> &[Person] {
        &self.persons[..self.trained.min(self.persons.len())]
    }

    /// Persons that training does not meet.
    pub fn held_out(&self) -> &[Person] {
        &self.persons[self.trained().len()..]
    }

    /// A person by name.
    pub fn person(&self, name: &str) -> Option<&Person> {
        Some(&self.persons[*self.places.get(name)?])
    }
}

fn draw_facts(random: &mut ChaCha8Rng) -> Facts {
    let born = random.random_range(YEARS_OF_BIRTH);
    let prize = born + random.random_range(20..60);
    let pair: Vec<&str> = words::CITIES.sample(random, 2).copied().collect();
    let mut word = |words: &[&'static str]| *words.choose(random).expect("there are words");
    let (work, plays) = (word(&words::PROFESSIONS), word(&words::INSTRUMENTS));
    [
        born.to_string(),
        pair[0].to_owned(),
        pair[1].to_owned(),
        work.to_owned(),
        plays.to_owned(),
        prize.to_string(),
    ]
}

/// Every word that stands in questions, texts and claims, years apart.
pub fn vocabulary() -> BTreeSet<&'static str> {
    let names = [words::WOMEN, words::MEN].concat();
    let mut all: BTreeSet<&str> = names.into_iter().chain(words::LAST_NAMES).collect();
    all.extend(["she", "he"]);
    for kind in Kind::ALL {
        all.insert(kind.word());
        all.extend(kind.words().unwrap_or_default());
        for phrase in kind.phrases() {
            all.extend(phrase.split(' ').filter(|word| *word != "_"));
        }
    }
    all
}
