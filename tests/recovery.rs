//! Recoveries, and refusals to recover, by the real program on labs of real hosts.

pub mod desk;
mod duties;
mod flow;
mod hostile;
mod kits;
mod places;
mod put_back;
mod refused;
mod requests;
mod secret;
mod staged;
mod systemd;
mod undo;
mod whole;
