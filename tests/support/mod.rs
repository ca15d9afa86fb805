//! What the integration tests share.

pub mod lab;
pub mod proxy;
pub mod sshd;

/// Whether a tier of tests can run here. A missing tier is said out loud, and is a failure when `REFLOAT_REQUIRE` (a
/// comma-separated list of tiers) names it.
#[must_use]
pub fn tier(name: &str, available: Result<(), String>) -> bool {
    let required = std::env::var("REFLOAT_REQUIRE").unwrap_or_default();
    match available {
        Ok(()) => true,
        Err(why) if required.split(',').any(|tier| tier.trim() == name) => panic!("the tier {name} is required: {why}"),
        Err(why) => {
            eprintln!("SKIPPED, tier {name}: {why}");
            false
        }
    }
}
