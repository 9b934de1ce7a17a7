//! From what the validator says to what the answer says.

use super::{
    ExecutionsWire, FailedWire, FaultCodeName, FaultWire, JudgedWire, OutcomeName, ResultWire,
    RewardWire, VerdictWire,
};
use crate::domain::{
    Executions, Fault, FaultCode, Judged, Outcome, Reward, SubmissionResult, Verdict,
};

impl From<SubmissionResult> for ResultWire {
    fn from(result: SubmissionResult) -> Self {
        let id = result.id;
        match result.judged {
            Ok(judged) => ResultWire::Judged(JudgedWire::new(id, judged)),
            Err(fault) => ResultWire::Failed(FailedWire {
                id,
                error: fault.into(),
            }),
        }
    }
}

impl JudgedWire {
    fn new(id: String, judged: Judged) -> Self {
        JudgedWire {
            id,
            verdicts: judged.verdicts.into_iter().map(VerdictWire::from).collect(),
            passed: judged.passed,
            valid: judged.valid,
            reward: judged.reward.into(),
            executions: judged.executions.into(),
        }
    }
}

impl From<Verdict> for VerdictWire {
    fn from(verdict: Verdict) -> Self {
        VerdictWire {
            id: verdict.id,
            outcome: verdict.outcome.into(),
            message: verdict.message,
            expected: verdict.expected,
            actual: verdict.actual,
            stdout: verdict.stdout,
            stderr: verdict.stderr,
            fuel: verdict.fuel.0,
            time_ms: verdict.fuel.as_ms(),
            memory_bytes: verdict.memory_bytes,
            isolation: verdict.isolation.into(),
            cached: verdict.cached,
            backstop: verdict.backstop,
            warnings: verdict.warnings,
        }
    }
}

impl From<Fault> for FaultWire {
    fn from(fault: Fault) -> Self {
        FaultWire {
            code: match fault.code {
                FaultCode::Engine => FaultCodeName::Engine,
                FaultCode::Shutdown => FaultCodeName::Shutdown,
            },
            message: fault.message,
            retryable: fault.retryable,
        }
    }
}

impl From<Reward> for RewardWire {
    fn from(reward: Reward) -> Self {
        RewardWire {
            generator: reward.generator,
            critic: reward.critic,
        }
    }
}

impl From<Executions> for ExecutionsWire {
    fn from(executions: Executions) -> Self {
        ExecutionsWire {
            candidate: executions.candidate,
            reference: executions.reference,
            cached: executions.cached,
        }
    }
}

impl From<Outcome> for OutcomeName {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Pass => OutcomeName::Pass,
            Outcome::Fail => OutcomeName::Fail,
            Outcome::Error => OutcomeName::Error,
            Outcome::TimeLimit => OutcomeName::TimeLimit,
            Outcome::MemoryLimit => OutcomeName::MemoryLimit,
            Outcome::OutputLimit => OutcomeName::OutputLimit,
            Outcome::Invalid => OutcomeName::Invalid,
            Outcome::Skipped => OutcomeName::Skipped,
        }
    }
}
