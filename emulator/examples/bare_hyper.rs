//! The yardstick of `scripts/bench-emulator`: hyper with the emulator's own settings, which reads every request whole and
//! answers 200 without looking at it. Nothing of the emulator is in it.
//!
//! `cargo run --release -p countersign-emulator --example bare_hyper` prints its address and serves until it is ended.
#![forbid(unsafe_code)]

use std::convert::Infallible;
use std::io::Write as _;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;

/// As long as the emulator lets a body be.
const LONGEST_BODY: usize = 64 * 1024 * 1024;

fn main() -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve())
}

async fn serve() -> std::io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let mut out = std::io::stdout();
    writeln!(out, "bare hyper on http://{}", listener.local_addr()?)?;
    out.flush()?;
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(async move {
            // Small answers must not wait for more.
            let _ = stream.set_nodelay(true);
            // A broken connection is the client's affair.
            let _ = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(Duration::from_secs(30))
                .keep_alive(true)
                .serve_connection(TokioIo::new(stream), service_fn(answer))
                .await;
        });
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = Limited::new(request.into_body(), LONGEST_BODY).collect().await;
    let mut response = Response::new(Full::new(Bytes::from_static(b"ok")));
    if body.is_err() {
        *response.status_mut() = http::StatusCode::PAYLOAD_TOO_LARGE;
    }
    Ok(response)
}
