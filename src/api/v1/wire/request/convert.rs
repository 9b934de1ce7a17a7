//! Settles what problems and submissions say, and notes everything that is wrong with it.

use super::super::check::required;
use super::super::choice::{ISOLATION, LanguageName, choose};
use super::super::{CheckWire, CompareWire, FieldErrors, LimitsWire, Object, Path};
use super::reference::{CheckList, LACKING_REFERENCE, lacking_reference};
use super::{ChecksRequest, ProblemWire, SubmissionWire};
use crate::domain::{Compare, Limits, Problem, Submission, Text};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

impl ChecksRequest {
    /// The submissions that the request means, or everything that is wrong with it.
    pub fn convert(self, caps: &Limits) -> Result<Vec<Submission>, FieldErrors> {
        let mut conversion = Conversion::new(caps);
        let root = Path::Root;
        let list = root.field("problems");
        for (index, problem) in self.problems.unwrap_or_default().0.into_iter().enumerate() {
            conversion.add_problem(problem, index, list.item(index));
        }
        let list = root.field("submissions");
        let submissions = self.submissions.unwrap_or_default().0;
        if submissions.is_empty() {
            conversion
                .errors
                .add(list, "must hold at least one submission");
        }
        let mut converted = Vec::with_capacity(submissions.len());
        for (index, submission) in submissions.into_iter().enumerate() {
            converted.extend(conversion.submission(submission, index, list.item(index)));
        }
        conversion.finish(converted)
    }
}

impl SubmissionWire {
    /// A submission that stands alone; paths begin at its own fields.
    pub fn convert(self, caps: &Limits) -> Result<Vec<Submission>, FieldErrors> {
        let mut conversion = Conversion::new(caps);
        let converted = conversion.submission(self, 0, Path::Root);
        conversion.finish(converted.into_iter().collect())
    }
}

/// What the conversion of one request has found so far.
struct Conversion<'a> {
    caps: &'a Limits,
    problems: HashMap<String, Arc<SharedProblem>>,
    /// What a submission without a problem shares.
    nothing: Arc<SharedProblem>,
    errors: FieldErrors,
    /// Problems' checks that were already found to lack a reference: problem and check.
    lacking: HashSet<(usize, usize)>,
}

/// A problem with everything settled that does not depend on the submission.
#[derive(Default)]
struct SharedProblem {
    index: usize,
    problem: Option<Arc<Problem>>,
    reference: Option<Arc<Text>>,
    checks: CheckList,
    limits: LimitsWire,
    compare: Compare,
}

impl<'a> Conversion<'a> {
    fn new(caps: &'a Limits) -> Self {
        Conversion {
            caps,
            problems: HashMap::new(),
            nothing: Arc::default(),
            errors: FieldErrors::default(),
            lacking: HashSet::new(),
        }
    }

    fn finish(self, converted: Vec<Submission>) -> Result<Vec<Submission>, FieldErrors> {
        if self.errors.is_empty() {
            Ok(converted)
        } else {
            Err(self.errors)
        }
    }

    fn add_problem(&mut self, wire: ProblemWire, index: usize, path: Path<'_>) {
        let shared = SharedProblem {
            index,
            problem: wire.id.clone().map(|id| Arc::new(Problem { id })),
            reference: wire.reference.map(|text| Arc::new(text.0)),
            checks: self.checks(wire.checks.unwrap_or_default().0, 0, path),
            limits: self.limits(wire.limits, path),
            compare: self.compare(wire.compare, Compare::default(), path),
        };
        match wire.id {
            None => self.errors.add(path.field("id"), "is required"),
            Some(id) if self.problems.contains_key(&id) => {
                self.errors
                    .add(path.field("id"), "is the id of another problem too");
            }
            Some(id) => drop(self.problems.insert(id, Arc::new(shared))),
        }
    }

    /// The submission, or none where faults were noted.
    fn submission(
        &mut self,
        wire: SubmissionWire,
        index: usize,
        path: Path<'_>,
    ) -> Option<Submission> {
        let problem = self.problem(wire.problem.as_deref(), path);
        self.language(wire.language.as_deref(), path);
        let code = required(wire.code, path.field("code"), &mut self.errors);
        let isolation = wire.isolation.as_deref();
        let isolation = choose(
            isolation,
            &ISOLATION,
            path.field("isolation"),
            &mut self.errors,
        );
        let limits = self.limits(wire.limits, path).or(problem.limits);
        let compare = self.compare(wire.compare, problem.compare, path);
        let own_checks = wire.checks.unwrap_or_default().0;
        let own_checks = self.checks(own_checks, problem.checks.len(), path);
        let own_reference = wire.reference.map(|text| Arc::new(text.0));
        // Another reference makes it another problem: its checks may be valid there and not here.
        let same_problem = problem.problem.clone().filter(|_| own_reference.is_none());
        let reference = own_reference.or_else(|| problem.reference.clone());
        // What a problem that nobody sent would have brought along is anyone's guess.
        if wire.problem.is_none() || problem.problem.is_some() {
            self.note_lacking_checks(&problem, &own_checks, path);
            if reference.is_none() {
                self.note_lacking_reference(&problem, &own_checks, path);
            }
        }
        let checks: Option<_> = problem.checks.iter().cloned().chain(own_checks).collect();
        Some(Submission {
            id: wire.id.unwrap_or_else(|| index.to_string()),
            problem: same_problem,
            code: code?,
            reference,
            checks: checks?,
            limits: limits.settle(self.caps),
            compare,
            isolation: isolation.unwrap_or_default(),
            stop_on_failure: wire.stop_on_failure.unwrap_or(false),
            seed: wire.seed.unwrap_or(0),
        })
    }

    fn problem(&mut self, id: Option<&str>, path: Path<'_>) -> Arc<SharedProblem> {
        let found = id.and_then(|id| self.problems.get(id)).cloned();
        if let (Some(id), None) = (id, &found) {
            let message = format_args!("is `{id}`, which is none of the problems");
            self.errors.add(path.field("problem"), message);
        }
        found.unwrap_or_else(|| self.nothing.clone())
    }

    fn language(&mut self, name: Option<&str>, path: Path<'_>) {
        let path = path.field("language");
        if name.is_none() {
            self.errors.add(path, "is required");
        }
        choose(name, &LanguageName::NAMES, path, &mut self.errors);
    }

    fn limits(&mut self, limits: Option<Object<LimitsWire>>, path: Path<'_>) -> LimitsWire {
        let Object(limits) = limits.unwrap_or_default();
        limits.check(self.caps, path.field("limits"), &mut self.errors);
        limits
    }

    fn compare(
        &mut self,
        compare: Option<Object<CompareWire>>,
        problem: Compare,
        path: Path<'_>,
    ) -> Compare {
        let Object(compare) = compare.unwrap_or_default();
        compare.settle(problem, path.field("compare"), &mut self.errors)
    }

    /// Converts a list of checks; `before` verdicts come before theirs.
    fn checks(&mut self, checks: Vec<CheckWire>, before: usize, path: Path<'_>) -> CheckList {
        let list = path.field("checks");
        let convert = |(index, check): (usize, CheckWire)| {
            let check = check.convert(before + index, list.item(index), &mut self.errors);
            check.map(Arc::new)
        };
        checks.into_iter().enumerate().map(convert).collect()
    }

    fn note_lacking_checks(&mut self, problem: &SharedProblem, own: &CheckList, path: Path<'_>) {
        if problem.checks.is_empty() && own.is_empty() {
            self.errors
                .add(path.field("checks"), "must hold at least one check");
        }
    }

    fn note_lacking_reference(&mut self, problem: &SharedProblem, own: &CheckList, path: Path<'_>) {
        let list = path.field("checks");
        for (index, field) in lacking_reference(own) {
            self.errors
                .add(list.item(index).field(field), LACKING_REFERENCE);
        }
        let root = Path::Root;
        let list = root.field("problems");
        let problem_path = list.item(problem.index);
        let list = problem_path.field("checks");
        for (index, field) in lacking_reference(&problem.checks) {
            // A problem may have many submissions; one complaint is enough.
            if self.lacking.insert((problem.index, index)) {
                self.errors
                    .add(list.item(index).field(field), LACKING_REFERENCE);
            }
        }
    }
}
