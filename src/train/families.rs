//! Small programming tasks made by rule: what is asked, a right program, and programs with bugs.
//!
//! Every family has one easy bug, which fails about half of all inputs, and edge-case bugs, which
//! inputs drawn evenly hardly ever find. What a program is worth is not taken from here but found by
//! running it; a test runs all of them.

mod input;
mod numbers;
mod sequences;

pub use input::{ARCHETYPES, Archetype, Argument, Input};

use input::{LARGEST, LAST_YEAR};
use rand::RngExt;
use rand::seq::IndexedRandom;

/// A kind of argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A whole number.
    Int,
    /// A whole number that is a year.
    Year,
    /// A text of few different letters.
    Text,
    /// A text of round brackets.
    Brackets,
    /// A list of whole numbers.
    List,
    /// A list of whole numbers in order.
    Sorted,
}

/// A family of problems: `{a}`, `{b}`, `{c}` and `{k}` stand for a problem's constants.
#[derive(Debug)]
pub struct Family {
    /// Its name.
    pub name: &'static str,
    /// The kinds of its arguments, which are called x, y and z.
    pub takes: &'static [Kind],
    /// Ways to ask. The last one is never trained on.
    pub prompts: &'static [&'static str],
    /// The body of a right function.
    pub correct: &'static str,
    /// One that fails about half of all inputs.
    pub easy: &'static str,
    /// Ones that fail few.
    pub edge: &'static [&'static str],
}

impl Family {
    /// Whether its texts have the constant of this place, such as `{a}`.
    fn shows(&self, place: &str) -> bool {
        self.prompts.iter().any(|prompt| prompt.contains(place))
    }

    /// Whether some of its problems are kept for evaluation. A family without constants has one problem,
    /// one with a count of places two, which are too few to learn how to count from.
    pub fn holds_out(&self) -> bool {
        ["{a}", "{b}", "{k}"].iter().any(|place| self.shows(place))
    }
}

/// All families.
pub fn families() -> impl ExactSizeIterator<Item = &'static Family> + Clone {
    const ALL: [&Family; 27] = {
        let mut all = [&numbers::FAMILIES[0]; 27];
        let mut at = 0;
        while at < all.len() {
            all[at] = match at < numbers::FAMILIES.len() {
                true => &numbers::FAMILIES[at],
                false => &sequences::FAMILIES[at - numbers::FAMILIES.len()],
            };
            at += 1;
        }
        all
    };
    ALL.into_iter()
}

/// The numbers of a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Constants {
    /// A lower bound.
    pub a: i64,
    /// An upper bound.
    pub b: i64,
    /// A count of places.
    pub c: i64,
    /// Any number.
    pub k: i64,
}

/// What `k` is drawn from, but for multiples of five, which other archetypes meet by chance: so many that
/// a model learns to copy it and does not know each by heart, or it could answer no question that is held
/// out.
const ANY: std::ops::RangeInclusive<i64> = 2..=60;

impl Constants {
    fn draw(random: &mut impl RngExt) -> Self {
        let a = random.random_range(-40..=40);
        let k = loop {
            let k: i64 = random.random_range(ANY);
            if k % 5 != 0 {
                break k;
            }
        };
        Constants {
            a,
            b: a + random.random_range(5..=40),
            c: random.random_range(3..=4),
            k,
        }
    }

    /// Whether they are kept for evaluation in a family's problems. Decided by what its texts show
    /// alone, or a text that training has would be asked under another name: a fifth of all, a fourth of
    /// those with `k` alone.
    fn are_held_out(self, family: &Family) -> bool {
        let shown = |place: &str, number: i64| if family.shows(place) { number } else { 0 };
        let sum = shown("{a}", self.a) + 3 * shown("{b}", self.b) + shown("{k}", self.k);
        (sum + 2 * shown("{c}", self.c)).rem_euclid(5) == 2
    }

    fn fill(self, text: &str) -> String {
        text.replace("{a}", &self.a.to_string())
            .replace("{b}", &self.b.to_string())
            .replace("{c}", &self.c.to_string())
            .replace("{k}", &self.k.to_string())
    }
}

/// A family with its constants: what programs and inputs belong to.
#[derive(Debug, Clone, Copy)]
pub struct Problem {
    /// The family.
    pub family: &'static Family,
    /// Its constants.
    pub constants: Constants,
}

/// Which program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Version {
    /// The right one.
    Correct,
    /// With the easy bug.
    Easy,
    /// With an edge-case bug.
    Edge(usize),
}

impl Problem {
    /// Draws a problem that is kept for evaluation, or one that is not; in a family that keeps none, any.
    pub fn draw(family: &'static Family, random: &mut impl RngExt, held_out: bool) -> Self {
        loop {
            let constants = Constants::draw(random);
            if !family.holds_out() || constants.are_held_out(family) == held_out {
                return Problem { family, constants };
            }
        }
    }

    /// The question, by the number of the way to ask. It starts with a space, as every word does.
    pub fn prompt(&self, way: usize) -> String {
        format!(" {}", self.constants.fill(self.family.prompts[way]))
    }

    /// A whole program.
    pub fn program(&self, version: Version) -> String {
        let body = match version {
            Version::Correct => self.family.correct,
            Version::Easy => self.family.easy,
            Version::Edge(number) => self.family.edge[number],
        };
        let names = &["x", "y", "z"][..self.family.takes.len()];
        format!(
            "def f({}):\n {}",
            names.join(","),
            self.constants.fill(body)
        )
    }

    /// An input drawn evenly.
    pub fn uniform(&self, random: &mut impl RngExt) -> Input {
        let kinds = self.family.takes.iter();
        Input(kinds.map(|kind| Argument::uniform(*kind, random)).collect())
    }

    /// An input of a kind that programs stumble over.
    pub fn edge(&self, archetype: Archetype, random: &mut impl RngExt) -> Input {
        let mut input = self.uniform(random);
        let at = random.random_range(0..input.0.len());
        if archetype == Archetype::Equal && input.0.len() > 1 {
            input.0[at] = input.0[(at + 1) % input.0.len()].clone();
            return input;
        }
        match archetype {
            Archetype::Small | Archetype::Negative => {
                for argument in &mut input.0 {
                    argument.bend(archetype, self.constants, random);
                }
            }
            _ => input.0[at].bend(archetype, self.constants, random),
        }
        input
    }
}

impl Problem {
    /// An input of values at the ends of what is usual.
    pub fn boundary(&self, random: &mut impl RngExt) -> Input {
        let kinds = self.family.takes.iter();
        Input(
            kinds
                .map(|kind| Argument::boundary(*kind, random))
                .collect(),
        )
    }

    /// An input with one of the problem's constants as it stands in a program, or so far beside it, in
    /// the place of a number that was drawn evenly; texts and lists are cut to as many elements. `None`
    /// where the program has no constants.
    pub fn copied(&self, program: &str, beside: i64, random: &mut impl RngExt) -> Option<Input> {
        let Constants { a, b, c, k } = self.constants;
        let mut constants = literals(program);
        constants.retain(|literal| [a, b, c, k].contains(literal));
        let number = constants.choose(random)? + beside;
        let mut input = self.uniform(random);
        let at = random.random_range(0..input.0.len());
        let count = usize::try_from(number).unwrap_or(0);
        match &mut input.0[at] {
            Argument::Int(other) => *other = number,
            Argument::Text(text) => text.truncate(count),
            Argument::List(numbers) => numbers.truncate(count),
        }
        Some(input)
    }

    /// All inputs, where there are few.
    pub fn domain(&self) -> Vec<Input> {
        let range = match self.family.takes {
            [Kind::Int] => -LARGEST..=LARGEST,
            [Kind::Year] => 1..=LAST_YEAR,
            _ => return Vec::new(),
        };
        range.map(|x| Input(vec![Argument::Int(x)])).collect()
    }
}

/// The numbers in a program.
fn literals(program: &str) -> Vec<i64> {
    let is_part = |c: char| c.is_ascii_digit() || c == '-';
    let words = program.split(|c| !is_part(c));
    words.filter_map(|word| word.parse().ok()).collect()
}
