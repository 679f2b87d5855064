//! The network shell: HTTP/1.1 with keep-alive on a loopback address in front of [`Emulator::handle`].

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::emulator::{Emulator, LONGEST_BODY};
use crate::protocol;

/// How long a client may take to send its request head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// Why a server cannot start.
#[derive(Debug, Error)]
pub enum ServerError {
    /// The emulator is for this machine only.
    #[error("`{0}` is not a loopback address")]
    NotLoopback(SocketAddr),
    /// The address cannot be bound.
    #[error("cannot listen on `{address}`")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
}

/// A running server. Dropping it stops accepting; [`Server::stop`] also waits.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    shutdown: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

impl Server {
    /// Where it listens; the port is the real one also when port 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops accepting connections, lets running requests finish and waits for the accept loop.
    pub async fn stop(self) {
        // Nobody listening any more means that the loop is gone already.
        let _ = self.shutdown.send(true);
        let _ = self.accepting.await;
    }

    /// Waits until the accept loop ends.
    pub async fn wait(self) {
        let _ = self.accepting.await;
    }
}

/// Serves `emulator` on a loopback `address` in the current tokio runtime.
///
/// # Errors
/// [`ServerError`] when the address is not loopback or cannot be bound.
pub async fn serve(emulator: Arc<Emulator>, address: SocketAddr) -> Result<Server, ServerError> {
    if !address.ip().is_loopback() {
        return Err(ServerError::NotLoopback(address));
    }
    let bind = |source| ServerError::Bind { address, source };
    let listener = TcpListener::bind(address).await.map_err(bind)?;
    let address = listener.local_addr().map_err(bind)?;
    let (shutdown, stopped) = watch::channel(false);
    let accepting = tokio::spawn(accept(listener, emulator, stopped));
    Ok(Server {
        address,
        shutdown,
        accepting,
    })
}

async fn accept(listener: TcpListener, emulator: Arc<Emulator>, mut stopped: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            connection = listener.accept() => match connection {
                Ok((stream, _)) => {
                    tokio::spawn(connection_loop(stream, emulator.clone(), stopped.clone()));
                }
                // Out of file descriptors or a client that is gone: let others finish first.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            // An error means that the server handle was dropped.
            _ = stopped.changed() => return,
        }
    }
}

async fn connection_loop(stream: TcpStream, emulator: Arc<Emulator>, mut stopped: watch::Receiver<bool>) {
    // Small answers must not wait for more.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let emulator = emulator.clone();
        async move { Ok::<_, Infallible>(answer(&emulator, request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .keep_alive(true)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        // A broken connection is the client's affair.
        _ = connection.as_mut() => {}
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

async fn answer(emulator: &Arc<Emulator>, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    let response = match Limited::new(body, LONGEST_BODY).collect().await {
        Ok(collected) => emulator.handle(Request::from_parts(parts, collected.to_bytes())),
        Err(_) => protocol::error::too_large(),
    };
    response.map(Full::new)
}
