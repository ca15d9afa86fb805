//! A wire between a client and a server that can be cut: then nothing is carried, and nobody is told.

use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A wire to one port of this machine.
pub struct Proxy {
    pub port: u16,
    cut: watch::Sender<bool>,
}

impl Proxy {
    /// A wire to a port.
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let own = listener.local_addr().expect("an address").port();
        let (cut, state) = watch::channel(false);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let state = state.clone();
                tokio::spawn(async move {
                    let far = SocketAddr::from(([127, 0, 0, 1], port));
                    let Ok(far) = TcpStream::connect(far).await else { return };
                    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
                    tokio::join!(carry(near_in, far_out, state.clone()), carry(far_in, near_out, state));
                });
            }
        });
        Self { port: own, cut }
    }

    /// From now on nothing is carried.
    pub fn cut(&self) {
        self.cut.send_replace(true);
    }

    /// What waits is carried, and what comes.
    pub fn mend(&self) {
        self.cut.send_replace(false);
    }
}

async fn carry(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, mut cut: watch::Receiver<bool>) {
    let mut bytes = [0; 16 << 10];
    while let Ok(n @ 1..) = from.read(&mut bytes).await {
        if cut.wait_for(|cut| !cut).await.is_err() || to.write_all(&bytes[..n]).await.is_err() {
            return;
        }
    }
    let _ = to.shutdown().await;
}
