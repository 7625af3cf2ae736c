//! A way to the database that can be shut: what is on it stays where it is.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// The way. Dropping it ends what goes over it.
pub(crate) struct Proxy {
    address: SocketAddr,
    is_open: watch::Sender<bool>,
    _task: tokio::task::JoinSet<()>,
}

impl Proxy {
    /// A way to this address, open.
    pub(crate) async fn to(target: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (is_open, opened) = watch::channel(true);
        let mut task = tokio::task::JoinSet::new();
        task.spawn(async move {
            let mut all = tokio::task::JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let (target, opened) = (target.clone(), opened.clone());
                all.spawn(async move {
                    let server = TcpStream::connect(target).await.expect("somebody there");
                    let (from_client, to_client) = client.into_split();
                    let (from_server, to_server) = server.into_split();
                    tokio::join!(
                        pass(from_client, to_server, opened.clone()),
                        pass(from_server, to_client, opened.clone())
                    );
                });
            }
        });
        Self { address, is_open, _task: task }
    }

    /// Where it begins.
    pub(crate) const fn port(&self) -> u16 {
        self.address.port()
    }

    /// Lets nothing through from now on, or everything again.
    pub(crate) fn open(&self, is_open: bool) {
        self.is_open.send_replace(is_open);
    }
}

async fn pass(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    mut opened: watch::Receiver<bool>,
) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let Ok(size @ 1..) = from.read(&mut buffer).await else { return };
        if opened.wait_for(|opened| *opened).await.is_err() || to.write_all(&buffer[..size]).await.is_err() {
            return;
        }
    }
}
