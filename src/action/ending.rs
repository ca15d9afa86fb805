//! Work that may end the place in which it runs: what counts then is whether it was begun.

use tokio::sync::oneshot;

use crate::transport::{Done, Hands, LinkError, Started, Work};

/// Runs it, and says whether it is known to have begun: the host said so at once, or its record does later.
pub(super) async fn run(
    hands: &Hands<'_>,
    work: &Work,
    noted: Option<oneshot::Sender<Started>>,
) -> (Result<Done, LinkError>, bool) {
    let (tell, told) = oneshot::channel();
    let begins = async {
        let heard = told.await.ok();
        let begun = heard.is_some();
        if let (Some(heard), Some(noted)) = (heard, noted) {
            let _ = noted.send(heard);
        }
        begun
    };
    let (done, begun) = tokio::join!(hands.run(work, Some(tell)), begins);
    let recorded = matches!(done, Err(LinkError::Unknown { begun: true, .. }));
    (done, begun || recorded)
}
