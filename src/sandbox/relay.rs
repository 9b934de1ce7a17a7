//! What two guests of one split execution share: whose turn it is, and what passes at the change.
//!
//! Exactly one of them runs at a time; the other waits inside the door. Fuel, output, files
//! and the memory that may still be taken change hands with the message, so that the two are one
//! execution with one budget.

use super::world::files::Files;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One of the two guests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Runs the test; trusted.
    Judge,
    /// Runs the program.
    Candidate,
}

impl Side {
    pub fn other(self) -> Side {
        match self {
            Side::Judge => Side::Candidate,
            Side::Candidate => Side::Judge,
        }
    }
}

/// What is handed over with a message.
pub(crate) struct Handover {
    /// What the other one said; empty where there is nothing more to say.
    pub message: Vec<u8>,
    /// Fuel that is left for both.
    pub fuel: u64,
    /// What both wrote so far.
    pub stdout: Vec<u8>,
    /// What both wrote so far.
    pub stderr: Vec<u8>,
    /// The directory tree that both see.
    pub files: Files,
    /// Bytes by which the memory of the one that hands over has grown.
    pub grown: usize,
}

impl Handover {
    /// Tells a candidate that its judge is done, and lets it come to its own end.
    pub fn farewell(files: Files, fuel: u64) -> Handover {
        Handover {
            message: Vec::new(),
            fuel,
            stdout: Vec::new(),
            stderr: Vec::new(),
            files,
            grown: 0,
        }
    }
}

/// The state between two guests.
pub(crate) struct Relay {
    turn: Side,
    handover: Option<Handover>,
    /// Whether the candidate's turn has come yet.
    candidate_began: bool,
}

/// One guest's end of a relay.
#[derive(Clone)]
pub(crate) struct RelayEnd {
    relay: Arc<Mutex<Relay>>,
    pub side: Side,
}

impl RelayEnd {
    /// Both ends of a new relay, the judge's first; it is the judge's turn.
    pub fn pair() -> [RelayEnd; 2] {
        let relay = Arc::new(Mutex::new(Relay {
            turn: Side::Judge,
            handover: None,
            candidate_began: false,
        }));
        [Side::Judge, Side::Candidate].map(|side| RelayEnd {
            relay: Arc::clone(&relay),
            side,
        })
    }

    /// Whose turn it is.
    pub fn turn(&self) -> Side {
        self.lock().turn
    }

    /// Whether the candidate has been given a turn.
    pub fn candidate_began(&self) -> bool {
        self.lock().candidate_began
    }

    /// Gives the turn to the other side.
    pub fn hand_over(&self, handover: Handover) {
        let mut relay = self.lock();
        relay.turn = self.side.other();
        relay.candidate_began |= relay.turn == Side::Candidate;
        relay.handover = Some(handover);
    }

    /// Takes what the other side handed over, once it is this side's turn.
    pub fn take(&self) -> Option<Handover> {
        let mut relay = self.lock();
        if relay.turn == self.side {
            relay.handover.take()
        } else {
            None
        }
    }

    fn lock(&self) -> MutexGuard<'_, Relay> {
        self.relay.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
