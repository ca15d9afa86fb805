//! Dry runs by the real program: what they say, that they touch nothing, and that they are right.

mod night;
mod ready;
mod shipped;
mod touch;
mod verdicts;
