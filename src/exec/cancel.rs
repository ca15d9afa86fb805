//! Cancellation is a message, never a dropped future that talks to a host. The one exception is to leave: then nobody
//! talks to a host any more, what was started there goes on, and the journal says so.

use tokio::sync::watch;

/// How far a run is to be ended. Each grade holds what the ones before it hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// It goes on.
    #[default]
    Go,
    /// What runs may end; nothing new begins.
    NoNewWork,
    /// What runs is stopped on the hosts.
    StopHosts,
    /// This process leaves now. What was not stopped yet goes on on the hosts, and the run can be resumed.
    Leave,
}

/// The side that asks for the end.
#[derive(Clone, Debug)]
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

    /// Waits until at least this much is asked; for ever, when nobody can ask any more, and when less than to leave is
    /// waited for and to leave is asked: whoever leaves drops all that goes on, and it must not end by itself before.
    pub async fn reached(&self, grade: Grade) {
        let mut receiver = self.0.clone();
        let now = receiver.wait_for(|now| *now >= grade).await.map(|now| *now);
        if now.is_err() || now.is_ok_and(|now| now > grade.max(Grade::StopHosts)) {
            std::future::pending::<()>().await;
        }
    }

    /// Whether nothing new is to begin. No answer comes when we leave, as with [`Self::reached`].
    pub async fn ends(&self) -> bool {
        match self.grade() {
            Grade::Go => false,
            Grade::NoNewWork | Grade::StopHosts => true,
            Grade::Leave => std::future::pending().await,
        }
    }
}

impl Canceller {
    /// Asks for one grade more, and says what was asked before and what is now.
    #[must_use]
    pub fn more(&self) -> (Grade, Grade) {
        self.ask(|before| match before {
            Grade::Go => Grade::NoNewWork,
            Grade::NoNewWork => Grade::StopHosts,
            Grade::StopHosts | Grade::Leave => Grade::Leave,
        })
    }

    /// Asks for at least this much, and says what was asked before and what is now.
    #[must_use]
    pub fn at_least(&self, grade: Grade) -> (Grade, Grade) {
        self.ask(|before| before.max(grade))
    }

    fn ask(&self, next: impl FnOnce(Grade) -> Grade) -> (Grade, Grade) {
        let mut asked = (Grade::Go, Grade::Go);
        self.0.send_modify(|grade| {
            asked = (*grade, next(*grade));
            *grade = asked.1;
        });
        asked
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn each_call_asks_for_more_and_a_waiter_hears_it() {
        let (canceller, cancel) = Cancel::pair();
        assert_eq!(cancel.grade(), Grade::Go);
        assert_eq!(canceller.more(), (Grade::Go, Grade::NoNewWork));
        cancel.reached(Grade::NoNewWork).await;
        assert_eq!(canceller.more(), (Grade::NoNewWork, Grade::StopHosts));
        cancel.reached(Grade::StopHosts).await;
        assert_eq!(canceller.at_least(Grade::NoNewWork), (Grade::StopHosts, Grade::StopHosts), "never less");
        assert_eq!(canceller.more(), (Grade::StopHosts, Grade::Leave));
        assert_eq!(canceller.more(), (Grade::Leave, Grade::Leave));
        cancel.reached(Grade::Leave).await;
    }

    #[tokio::test]
    async fn to_leave_ends_nothing_by_itself() {
        let (canceller, cancel) = Cancel::pair();
        assert!(!cancel.ends().await);
        let _ = canceller.more();
        assert!(cancel.ends().await);
        let _ = canceller.at_least(Grade::Leave);
        assert!(cancel.ends().now_or_never().is_none());
        for less in [Grade::NoNewWork, Grade::StopHosts] {
            assert!(cancel.reached(less).now_or_never().is_none(), "{less:?}");
        }
        assert!(cancel.reached(Grade::Leave).now_or_never().is_some());
    }
}
