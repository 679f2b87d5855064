//! The network shell: keep-alive, loopback only, shutdown.

use std::net::SocketAddr;
use std::sync::Arc;

use countersign_emulator::{Emulator, EmulatorOptions, ServerError, serve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const REQUEST: &[u8] = b"GET /_countersign/v1/trail HTTP/1.1\r\nHost: 127.0.0.1\r\nx-countersign-token: t\r\n\r\n";

async fn exchange(stream: &mut tokio::net::TcpStream) -> String {
    stream.write_all(REQUEST).await.expect("the server listens");
    let mut answer = Vec::new();
    let mut buffer = [0; 1024];
    while !answer.ends_with(b"}") {
        let count = stream.read(&mut buffer).await.expect("the server answers");
        assert_ne!(count, 0, "closed after {}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&buffer[..count]);
    }
    String::from_utf8(answer).expect("UTF-8")
}

#[tokio::test]
async fn one_connection_serves_many_requests_and_the_server_stops() {
    let options = EmulatorOptions {
        control_token: Some("t".to_owned()),
        ..EmulatorOptions::new()
    };
    let emulator = Arc::new(Emulator::new(options));
    let address: SocketAddr = "127.0.0.1:0".parse().expect("an address");
    let server = serve(emulator, address).await.expect("a free port");
    let address = server.address();
    assert_ne!(address.port(), 0);
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("it listens");
    for _ in 0..3 {
        let answer = exchange(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    }
    server.stop().await;
    assert!(
        tokio::net::TcpStream::connect(address).await.is_err(),
        "nobody listens any more"
    );
}

#[tokio::test]
async fn other_addresses_than_loopback_are_refused() {
    let emulator = Arc::new(Emulator::new(EmulatorOptions::new()));
    let result = serve(emulator, "0.0.0.0:0".parse().expect("an address")).await;
    assert!(matches!(result, Err(ServerError::NotLoopback(_))));
}
