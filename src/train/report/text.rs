//! Numbers and lists for people.

use super::bounds::Bounds;

/// What stands where nothing was measured.
pub const NOTHING: &str = "–";

/// Executions or tokens: 412, 48.2 K, 1.23 M.
pub fn count(number: f64) -> String {
    match number {
        // What would be rounded to 1000 of the smaller unit belongs to the next.
        number if number < 999.5 => format!("{number:.0}"),
        number if number < 999_950.0 => format!("{:.1} K", number / 1e3),
        number => format!("{:.2} M", number / 1e6),
    }
}

/// Executions of which only a bound may be known.
pub fn count_bounds(bounds: Bounds) -> String {
    match bounds.is_exact() {
        true => count(bounds.low),
        false => format!("> {}", count(bounds.low)),
    }
}

/// A ratio of which only a bound may be known.
pub fn ratio(bounds: Bounds) -> String {
    match bounds {
        bounds if bounds.is_exact() => format!("{:.2}", bounds.low),
        Bounds { low, high } if high.is_finite() && low > 0.0 => format!("{low:.2}–{high:.2}"),
        Bounds { high, .. } if high.is_finite() => format!("< {high:.2}"),
        Bounds { low, .. } if low > 0.0 => format!("> {low:.2}"),
        _ => "open".to_owned(),
    }
}

/// A share between 0 and 1.
pub fn share(number: f64) -> String {
    format!("{number:.3}")
}

/// A time: 45 s, 12.3 min, 2.10 h.
pub fn duration(seconds: f64) -> String {
    match seconds {
        seconds if seconds < 99.5 => format!("{seconds:.0} s"),
        seconds if seconds < 5_997.0 => format!("{:.1} min", seconds / 60.0),
        seconds => format!("{:.2} h", seconds / 3600.0),
    }
}

/// A number that may not have been measured.
pub fn or_nothing(number: Option<f64>, text: impl Fn(f64) -> String) -> String {
    number.map_or_else(|| NOTHING.to_owned(), text)
}

/// A count of things: 1 run, 6 runs.
pub fn counted(number: usize, thing: &str) -> String {
    match number {
        1 => format!("1 {thing}"),
        _ => format!("{number} {thing}s"),
    }
}

/// Names with commas between them.
pub fn list<T: AsRef<str>>(names: &[T]) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    names.join(", ")
}
