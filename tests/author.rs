//! What an author and a reader are told before anything is run, and what a person is told of a run afterwards.

mod desk;
mod first_day;
mod from;
mod hosts;
mod show;
mod why;
