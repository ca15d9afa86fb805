//! Many keys on one host over one link, at the same time.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use refloat::base::ids::RunId;
use refloat::transport::ssh::{Options, SshTransport};
use refloat::transport::{Claims, Transport as _, Work};

use super::permit;
use crate::support::sshd::{Sshd, available};
use crate::support::tier;

/// How many at once.
const KEYS: usize = 64;

/// What fits into the end frame and what does not, of which some comes back over another channel.
const SIZES: [usize; 4] = [0, 2_900, 3_100, 200_000];

#[tokio::test]
async fn sixty_four_keys_at_once_have_one_effect_each_through_one_runner_and_through_several() {
    if !tier("sshd", available()) {
        return;
    }
    for sessions in [1, 10] {
        let sshd = Sshd::start(&format!("MaxSessions {sessions}"));
        let options = Options::new(RunId::generate(), sshd.dir.path().to_owned());
        let transport = SshTransport::new(options).expect("a control folder");
        let link = transport.connect(&sshd.host()).await.expect("a link");
        let effects = sshd.path("effects");
        let script = |n: usize, size: usize| {
            let letter = char::from(b'a' + u8::try_from(n % 26).expect("a letter"));
            Work::script(format!(
                "echo {n} >>'{}'; head -c {size} /dev/zero | tr '\\0' {letter}; echo {n} >&2",
                effects.display()
            ))
        };
        let works: Vec<(usize, usize, Work)> =
            (0..KEYS).map(|n| (n, SIZES[n % SIZES.len()])).map(|(n, size)| (n, size, script(n, size))).collect();
        let permits: Vec<_> = (0..KEYS).map(|n| permit(&format!("{sessions} {n}"))).collect();
        let ended =
            join_all(works.iter().zip(&permits).map(|((_, _, work), permit)| link.claim(permit, work, None))).await;
        for ((n, size, _), done) in works.iter().zip(ended) {
            let done = done.unwrap_or_else(|error| panic!("{n}: {error}"));
            let letter = b'a' + u8::try_from(n % 26).expect("a letter");
            assert_eq!((done.exit, done.truncated), (0, false), "{n}");
            assert!(done.stdout == vec![letter; *size], "{n}: {} bytes of {size}", done.stdout.len());
            assert_eq!(done.stderr, format!("{n}\n").into_bytes());
        }
        let lines = |name: &str| -> Vec<usize> {
            let text = std::fs::read_to_string(sshd.path(name)).expect("a file");
            text.lines().map(|line| line.parse().expect("a number")).collect()
        };
        let found = lines("effects");
        assert_eq!((found.len(), found.into_iter().collect::<BTreeSet<_>>().len()), (KEYS, KEYS), "one effect each");

        // and the same key as often: one effect, of which all are told
        let one = Work::script(format!("echo 1 >>'{}'; echo once", sshd.path("one").display()));
        let same: Vec<_> = (0..KEYS).map(|_| permit(&format!("{sessions} same"))).collect();
        for done in join_all(same.iter().map(|permit| link.claim(permit, &one, None))).await {
            assert_eq!(done.expect("an end").stdout, b"once\n");
        }
        assert_eq!(lines("one"), [1]);
        assert!(link.finish(Claims::Remove).await);
    }
}
