//! How much memory this process may still take.

use std::fs;

/// Bytes that are available: the machine's, or the control group's where that is less. `None`
/// where the system does not say.
pub(super) fn available() -> Option<u64> {
    let machine = machine(&fs::read_to_string("/proc/meminfo").ok()?)?;
    Some(control_group().map_or(machine, |group| group.min(machine)))
}

fn machine(text: &str) -> Option<u64> {
    let line = text
        .lines()
        .find(|line| line.starts_with("MemAvailable:"))?;
    let kibibytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// What the second version of control groups leaves, as containers see it.
fn control_group() -> Option<u64> {
    let number = |name: &str| -> Option<u64> {
        let text = fs::read_to_string(format!("/sys/fs/cgroup/{name}")).ok()?;
        text.trim().parse().ok()
    };
    Some(number("memory.max")?.saturating_sub(number("memory.current")?))
}

#[cfg(test)]
mod tests {
    use super::machine;

    #[test]
    fn the_machine_says_it_in_kibibytes() {
        let text = "MemTotal:  2000 kB\nMemFree: 10 kB\nMemAvailable:    1000 kB\n";
        assert_eq!(machine(text), Some(1_024_000));
        assert_eq!(machine("MemTotal: 1 kB\n"), None);
    }
}
