//! Cancellation is a message, never a dropped future that talks to a host.

use tokio::sync::watch;

/// How far a run is to be ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// It goes on.
    #[default]
    Go,
    /// What runs may end; nothing new begins.
    NoNewWork,
    /// What runs is stopped on the hosts.
    StopHosts,
}

/// The side that asks for the end.
#[derive(Debug)]
pub struct Canceller(watch::Sender<Grade>);

/// The side that is asked.
#[derive(Clone, Debug)]
pub struct Cancel(watch::Receiver<Grade>);

impl Cancel {
    /// A pair of the two.
    #[must_use]
    pub fn pair() -> (Canceller, Self) {
        let (sender, receiver) = watch::channel(Grade::Go);
        (Canceller(sender), Self(receiver))
    }

    /// How far the run is to be ended, now.
    #[must_use]
    pub fn grade(&self) -> Grade {
        *self.0.borrow()
    }

    /// Waits until at least this much is asked; for ever, when nobody can ask any more.
    pub async fn reached(&self, grade: Grade) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|now| *now >= grade).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Canceller {
    /// Asks for one grade more, and says which it is now.
    #[must_use]
    pub fn more(&self) -> Grade {
        self.0.send_modify(|grade| {
            *grade = match grade {
                Grade::Go => Grade::NoNewWork,
                Grade::NoNewWork | Grade::StopHosts => Grade::StopHosts,
            }
        });
        *self.0.borrow()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_call_asks_for_more_and_a_waiter_hears_it() {
        let (canceller, cancel) = Cancel::pair();
        assert_eq!(cancel.grade(), Grade::Go);
        assert_eq!(canceller.more(), Grade::NoNewWork);
        cancel.reached(Grade::NoNewWork).await;
        assert_eq!(canceller.more(), Grade::StopHosts);
        assert_eq!(canceller.more(), Grade::StopHosts);
        cancel.reached(Grade::StopHosts).await;
    }
}
