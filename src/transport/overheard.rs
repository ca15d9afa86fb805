//! A link of which somebody hears every request that only looks, before it is sent.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::LinkError;
use super::link::{Bulk, Claims, Facts, Link, Record, Tell};
use super::lock::{Locked, Ticket};
use super::look::{Answer, Ask, Dialed, Look};
use super::work::{Done, Started, Work};
use crate::base::BoxFuture;
use crate::base::ids::UnitKey;
use crate::base::permit::Permit;

/// What is sent to a host.
#[derive(Clone, Copy, Debug)]
pub enum Request<'a> {
    /// A text or a program.
    Ask(&'a Ask),
    /// A connection from there, by its address.
    Dial(&'a str),
}

/// Hears of a request to a host.
pub type Hear = Arc<dyn Fn(&str, Request<'_>) + Send + Sync>;

pub(super) struct Overheard {
    pub(super) link: Arc<dyn Link>,
    pub(super) hear: Hear,
}

impl Look for Overheard {
    fn ask<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Result<Answer, LinkError>> {
        (self.hear)(self.link.host(), Request::Ask(ask));
        self.link.ask(ask)
    }

    fn dial<'a>(&'a self, address: &'a str, timeout: Duration) -> BoxFuture<'a, Result<Dialed, LinkError>> {
        (self.hear)(self.link.host(), Request::Dial(address));
        self.link.dial(address, timeout)
    }
}

impl Link for Overheard {
    fn host(&self) -> &str {
        self.link.host()
    }

    fn facts(&self) -> &Facts {
        self.link.facts()
    }

    fn look(&self) -> &dyn Look {
        self
    }

    fn claim<'a>(
        &'a self,
        permit: &'a Permit,
        work: &'a Work,
        started: Option<oneshot::Sender<Started>>,
    ) -> BoxFuture<'a, Result<Done, LinkError>> {
        self.link.claim(permit, work, started)
    }

    fn worked_as(&self, user: Option<&str>) {
        self.link.worked_as(user);
    }

    fn lock<'a>(&'a self, ticket: &'a Ticket) -> BoxFuture<'a, Result<Locked, LinkError>> {
        self.link.lock(ticket)
    }

    fn holds(&self, token: &str) {
        self.link.holds(token);
    }

    fn told(&self, tell: Tell) {
        self.link.told(tell);
    }

    fn cancel<'a>(&'a self, key: &'a UnitKey, grace: Duration) -> BoxFuture<'a, Result<(), LinkError>> {
        self.link.cancel(key, grace)
    }

    fn fence<'a>(&'a self, key: &'a UnitKey, user: Option<&'a str>) -> BoxFuture<'a, Result<Record, LinkError>> {
        self.link.fence(key, user)
    }

    fn bulk<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Result<Box<dyn Bulk>, LinkError>> {
        (self.hear)(self.link.host(), Request::Ask(ask));
        self.link.bulk(ask)
    }

    fn finish(&self, claims: Claims) -> BoxFuture<'_, bool> {
        self.link.finish(claims)
    }
}
