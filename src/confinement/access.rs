//! Files and TCP ports, by landlock.

use super::{ConfinementError, Gaps, Settings};
use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, LandlockStatus, NetPort,
    RestrictionStatus, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, Scope,
    path_beneath_rules,
};

/// The newest that the crate knows. Whatever a kernel can refuse is to be refused, so a right that
/// came with a later version than the kernel's is left out rather than missed.
const NEWEST: ABI = ABI::V9;

/// What landlock did not guard before the version beside it. The filter of system calls refuses
/// all of it in any case, but for connections where some are allowed.
const LATER_GUARDS: [(ABI, &str); 4] = [
    (ABI::V3, "truncating files"),
    (ABI::V4, "TCP ports"),
    (ABI::V5, "devices"),
    (ABI::V6, "signals and abstract Unix sockets"),
];

pub(super) fn confine(settings: &Settings) -> Result<Gaps, ConfinementError> {
    let threads = threads();
    if threads > 1 {
        return Err(ConfinementError::Threads(threads));
    }
    let status = restrict(settings).map_err(|error| ConfinementError::Access(error.into()))?;
    Ok(gaps(status.landlock, settings))
}

/// The threads of this process; one where nobody tells.
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(1, Iterator::count)
}

fn restrict(settings: &Settings) -> Result<RestrictionStatus, RulesetError> {
    let connections = settings
        .allowed_connect_ports
        .iter()
        .map(|port| Ok::<_, RulesetError>(NetPort::new(*port, AccessNet::ConnectTcp)));
    Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()?
        .add_rules(path_beneath_rules(
            &settings.readable,
            AccessFs::ReadFile | AccessFs::ReadDir,
        ))?
        .add_rules(connections)?
        .restrict_self()
}

fn gaps(status: LandlockStatus, settings: &Settings) -> Gaps {
    let abi = match status {
        LandlockStatus::Available { effective_abi, .. } => effective_abi,
        LandlockStatus::NotEnabled | LandlockStatus::NotImplemented => ABI::Unsupported,
    };
    let mut gaps = Gaps::new();
    if abi == ABI::Unsupported {
        gaps.push(
            "this kernel has no landlock, or it is switched off: files and ports are guarded by \
             the filter of system calls alone"
                .to_owned(),
        );
    } else {
        let unguarded: Vec<&str> = LATER_GUARDS
            .iter()
            .filter(|(since, _)| abi < *since)
            .map(|(_, what)| *what)
            .collect();
        if !unguarded.is_empty() {
            gaps.push(format!(
                "landlock {abi} of this kernel does not guard {}: the filter of system calls \
                 does, alone",
                unguarded.join(", ")
            ));
        }
    }
    if abi == ABI::Unsupported && settings.go_on_reading {
        gaps.push(
            "every file that this user may read can be read: the filter of system calls cannot see \
             which one is opened, and has to let runs be read"
                .to_owned(),
        );
    }
    if abi < ABI::V4 && !settings.allowed_connect_ports.is_empty() {
        gaps.push(
            "connections can be made to every TCP port, not only to those allowed: landlock knows \
             ports since Linux 6.7"
                .to_owned(),
        );
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_kernel_lacks_is_told() {
        let check = |abi, ports: &[u16], go_on_reading, expect: &[&str]| {
            let status = match abi {
                ABI::Unsupported => LandlockStatus::NotEnabled,
                effective_abi => LandlockStatus::Available {
                    effective_abi,
                    kernel_abi: None,
                },
            };
            let settings = Settings {
                allowed_connect_ports: ports.to_vec(),
                go_on_reading,
                ..Settings::default()
            };
            let told = gaps(status, &settings);
            assert_eq!(told.len(), expect.len(), "{abi}: {told:?}");
            for (told, expect) in told.iter().zip(expect) {
                assert!(told.contains(expect), "{abi}: {told}");
            }
        };
        check(ABI::Unsupported, &[], false, &["no landlock"]);
        let ports = ["no landlock", "every TCP port"];
        check(ABI::Unsupported, &[443], false, &ports);
        check(ABI::Unsupported, &[], true, &["no landlock", "every file"]);
        check(
            ABI::V3,
            &[443],
            false,
            &["guard TCP ports", "every TCP port"],
        );
        check(ABI::V5, &[443], true, &["guard signals"]);
        check(ABI::V6, &[443], false, &[]);
        check(NEWEST, &[], true, &[]);
    }
}
