//! Watches of real runs.
