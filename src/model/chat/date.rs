//! A day, for templates that tell the model which one it is.

use std::str::FromStr;

use crate::model::ModelError;

/// A day of the Gregorian calendar; from text such as `2026-01-31`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date {
    year: u32,
    month: u32,
    day: u32,
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

impl FromStr for Date {
    type Err = ModelError;

    fn from_str(text: &str) -> Result<Self, ModelError> {
        let parts: Option<Vec<u32>> = text.split('-').map(|part| part.parse().ok()).collect();
        match parts.as_deref() {
            Some(&[year @ 1..=9999, month @ 1..=12, day])
                if (1..=days(year, month)).contains(&day) =>
            {
                Ok(Date { year, month, day })
            }
            _ => Err(ModelError::Input(format!(
                "{text:?} is not a day such as 2026-01-31"
            ))),
        }
    }
}

impl Date {
    /// As C's `strftime` without a locale, for what dates need; or the directive that there is no
    /// code for.
    pub(super) fn format(self, format: &str) -> Result<String, String> {
        let mut result = String::new();
        let mut characters = format.chars();
        while let Some(character) = characters.next() {
            if character != '%' {
                result.push(character);
                continue;
            }
            let mut directive = characters.next().unwrap_or('%');
            let unpadded = directive == '-';
            if unpadded {
                directive = characters.next().unwrap_or('-');
            }
            match (directive, unpadded) {
                ('d', false) => result.push_str(&format!("{:02}", self.day)),
                ('d', true) => result.push_str(&self.day.to_string()),
                ('m', false) => result.push_str(&format!("{:02}", self.month)),
                ('m', true) => result.push_str(&self.month.to_string()),
                ('Y', false) => result.push_str(&self.year.to_string()),
                ('y', false) => result.push_str(&format!("{:02}", self.year % 100)),
                ('B', false) => result.push_str(self.month_name()),
                ('b', false) => result.push_str(&self.month_name()[..3]),
                ('A', false) => result.push_str(self.day_name()),
                ('a', false) => result.push_str(&self.day_name()[..3]),
                ('%', false) => result.push('%'),
                (_, true) => return Err(format!("%-{directive}")),
                (_, false) => return Err(format!("%{directive}")),
            }
        }
        Ok(result)
    }

    fn month_name(self) -> &'static str {
        MONTHS[self.month as usize - 1]
    }

    fn day_name(self) -> &'static str {
        let whole_years = (1..self.year).map(|year| if is_leap(year) { 366 } else { 365 });
        let whole_months = (1..self.month).map(|month| days(self.year, month));
        // The first day of year 1 was a Monday.
        let since = whole_years.chain(whole_months).sum::<u32>() + self.day;
        DAYS[since as usize % 7]
    }
}

fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days(year: u32, month: u32) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}
