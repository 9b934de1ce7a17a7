//! Tests of the whole, through what users see, and of its parts through their interfaces.

mod api;
mod arrows;
mod backstop;
mod cli;
mod differential;
mod fake;
mod faults;
mod fresh;
mod hostile_guests;
mod humaneval;
mod limits;
mod outcomes;
mod programs;
mod restored;
mod runtime;
mod serving;
mod validator;
mod values;
