//! Inputs: drawn evenly, at the ends of what is usual, and of kinds that programs stumble over.

use super::{Constants, Kind};
use rand::RngExt;
use rand::seq::IndexedRandom;
use std::fmt::{self, Write};

/// Kinds of inputs that programs stumble over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Archetype {
    /// Zero, or nothing at all.
    Zero,
    /// Near zero, or of one or two elements.
    Small,
    /// Arguments or elements that are equal.
    Equal,
    /// One of the problem's constants.
    Constant,
    /// One beside it.
    Neighbour,
    /// Below zero.
    Negative,
    /// Round.
    Round,
}

/// All of them.
pub const ARCHETYPES: [Archetype; 7] = [
    Archetype::Zero,
    Archetype::Small,
    Archetype::Equal,
    Archetype::Constant,
    Archetype::Neighbour,
    Archetype::Negative,
    Archetype::Round,
];

/// The arguments of a call.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Input(pub Vec<Argument>);

/// An argument.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Argument {
    /// A whole number.
    Int(i64),
    /// A text of letters or brackets, without quotes in it.
    Text(String),
    /// A list.
    List(Vec<i64>),
}

/// A call, as Python has it: `f(3, 'ab', [1, 2])`.
impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("f(")?;
        for (at, argument) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{argument}")?;
        }
        f.write_char(')')
    }
}

impl Input {
    /// The arguments as a JSON array.
    pub fn json(&self) -> String {
        let each = self.0.iter().map(|argument| match argument {
            Argument::Text(text) => format!("\"{text}\""),
            other => other.to_string(),
        });
        format!("[{}]", each.collect::<Vec<_>>().join(","))
    }
}

impl fmt::Display for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Argument::Int(number) => write!(f, "{number}"),
            Argument::Text(text) => write!(f, "'{text}'"),
            Argument::List(numbers) => write!(f, "{numbers:?}"),
        }
    }
}

/// The largest number drawn evenly, either way.
pub(super) const LARGEST: i64 = 99;
/// The largest year drawn evenly; the smallest is 1.
pub(super) const LAST_YEAR: i64 = 2400;
/// Numbers at the ends of what is usual.
const ENDS: [i64; 12] = [0, 1, -1, 2, -2, 5, 10, -10, 50, 99, -99, 100];

impl Argument {
    pub(super) fn uniform(kind: Kind, random: &mut impl RngExt) -> Self {
        match kind {
            Kind::Int => Argument::Int(random.random_range(-LARGEST..=LARGEST)),
            Kind::Year => Argument::Int(random.random_range(1..=LAST_YEAR)),
            Kind::Text => Argument::Text(letters("abc", random.random_range(5..=8), random)),
            Kind::Brackets => Argument::Text(letters("()", random.random_range(3..=8), random)),
            Kind::List => {
                let count = random.random_range(5..=7);
                Argument::List(draw_list(count, random))
            }
            Kind::Sorted => {
                let count = random.random_range(2..=4);
                let mut numbers = draw_list(count, random);
                numbers.sort_unstable();
                Argument::List(numbers)
            }
        }
    }

    pub(super) fn boundary(kind: Kind, random: &mut impl RngExt) -> Self {
        let mut end = || *ENDS.choose(random).unwrap_or(&0);
        match kind {
            Kind::Int | Kind::Year => Argument::Int(end()),
            Kind::List | Kind::Sorted => {
                let mut numbers: Vec<i64> = (0..3).map(|_| end()).collect();
                numbers.truncate(random.random_range(0..=3));
                if kind == Kind::Sorted {
                    numbers.sort_unstable();
                }
                Argument::List(numbers)
            }
            Kind::Text => {
                let texts = ["", "a", "aa", "ab", "aaa", "abc", "aba", "abcabcab"];
                Argument::Text((*texts.choose(random).unwrap_or(&"")).to_owned())
            }
            Kind::Brackets => {
                let texts = ["", "(", ")", "()", ")(", "((", "()()", "(((())))"];
                Argument::Text((*texts.choose(random).unwrap_or(&"")).to_owned())
            }
        }
    }

    pub(super) fn bend(
        &mut self,
        archetype: Archetype,
        constants: Constants,
        random: &mut impl RngExt,
    ) {
        match self {
            Argument::Int(number) => bend_number(number, archetype, constants, random),
            Argument::Text(text) => {
                let kept = kept_elements(archetype, constants, text.len(), random);
                text.truncate(kept);
                let repeated = text.chars().next().map(|first| first.to_string());
                if let (Archetype::Equal, Some(first)) = (archetype, repeated) {
                    *text = first.repeat(text.len());
                }
                if archetype == Archetype::Round {
                    let turned: String = text.chars().rev().collect();
                    text.push_str(&turned);
                    text.truncate(8);
                }
            }
            Argument::List(numbers) => {
                let kept = kept_elements(archetype, constants, numbers.len(), random);
                numbers.truncate(kept);
                if archetype == Archetype::Equal && numbers.len() > 1 {
                    let from = random.random_range(0..numbers.len());
                    let to = random.random_range(0..numbers.len());
                    numbers[to] = numbers[from];
                }
                if archetype == Archetype::Negative {
                    numbers
                        .iter_mut()
                        .for_each(|number| *number = -number.abs());
                }
            }
        }
    }
}

fn letters(of: &str, count: usize, random: &mut impl RngExt) -> String {
    let all: Vec<char> = of.chars().collect();
    (0..count).filter_map(|_| all.choose(random)).collect()
}

fn draw_list(count: usize, random: &mut impl RngExt) -> Vec<i64> {
    (0..count)
        .map(|_| random.random_range(-LARGEST..=LARGEST))
        .collect()
}

fn bend_number(
    number: &mut i64,
    archetype: Archetype,
    constants: Constants,
    random: &mut impl RngExt,
) {
    let constant = *[constants.a, constants.b, constants.k]
        .choose(random)
        .unwrap_or(&0);
    *number = match archetype {
        Archetype::Zero => 0,
        Archetype::Small => random.random_range(-3..=3),
        Archetype::Equal => 11 * random.random_range(-9..=9),
        Archetype::Constant => constant,
        Archetype::Neighbour => constant + if random.random() { 1 } else { -1 },
        Archetype::Negative => -number.abs(),
        Archetype::Round if *number > LARGEST => 100 * random.random_range(1..=24),
        Archetype::Round => 10 * random.random_range(-9..=9),
    };
}

/// How many elements an archetype leaves of a text or list.
fn kept_elements(
    archetype: Archetype,
    constants: Constants,
    count: usize,
    random: &mut impl RngExt,
) -> usize {
    let places = constants.c as usize;
    match archetype {
        Archetype::Zero => 0,
        Archetype::Small => random.random_range(1..=2),
        Archetype::Constant => places,
        Archetype::Neighbour => places - usize::from(random.random::<bool>()),
        Archetype::Round => count.div_ceil(2),
        Archetype::Equal | Archetype::Negative => count,
    }
    .min(count)
}
