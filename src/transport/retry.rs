//! When to try again to connect: with jitter, so that hundreds of hosts behind one gate do not come back in step.

use std::time::Duration;

use super::interpret::Again;
use crate::base::ids;

/// How often a refused connection is tried in all.
const REFUSED: u32 = 3;

/// The pause before the next attempt; `None` when there is to be none. `attempt` counts from 1, `random` is in 0..=65535.
pub(super) fn pause(again: Again, attempt: u32, random: u16) -> Option<Duration> {
    let longest = match again {
        Again::No => return None,
        Again::Refused if attempt >= REFUSED => return None,
        Again::Refused => 200,
        Again::Busy => 100 << attempt.min(5),
    };
    // Between half and the whole.
    Some(Duration::from_millis(longest / 2 + longest / 2 * u64::from(random) / 65_535))
}

/// A random number for the jitter.
pub(super) fn random() -> u16 {
    u16::from_str_radix(&ids::nonce()[..4], 16).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_pass_is_tried_again() {
        assert_eq!(pause(Again::No, 1, 0), None);
        assert!(pause(Again::Refused, 2, 0).is_some());
        assert_eq!(pause(Again::Refused, 3, 0), None);
        assert_eq!(pause(Again::Busy, 1, 0), Some(Duration::from_millis(100)));
        assert_eq!(pause(Again::Busy, 1, u16::MAX), Some(Duration::from_millis(200)));
        assert_eq!(pause(Again::Busy, 60, u16::MAX), Some(Duration::from_millis(3200)));
    }
}
