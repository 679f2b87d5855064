//! A front before the emulator: answers Organizations, hands everything else on, and remembers what it saw.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

pub(crate) struct Front {
    port: u16,
    asked: Arc<AtomicBool>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Front {
    /// A front whose Organizations answers so.
    pub(crate) fn before(url: &str, status: u16, body: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let behind = url.trim_start_matches("http://").to_owned();
        let front = Self {
            port,
            asked: Arc::default(),
            requests: Arc::default(),
        };
        let (asked, requests, body) = (Arc::clone(&front.asked), Arc::clone(&front.requests), body.to_owned());
        // Ends with the test's process.
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (behind, asked, requests, body) =
                    (behind.clone(), Arc::clone(&asked), Arc::clone(&requests), body.clone());
                std::thread::spawn(move || {
                    let _ = serve(client, &behind, &asked, &requests, status, &body);
                });
            }
        });
        front
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("nobody panics with it").clone()
    }
}

fn serve(
    mut client: TcpStream,
    behind: &str,
    asked: &AtomicBool,
    requests: &Mutex<Vec<String>>,
    status: u16,
    body: &str,
) -> std::io::Result<()> {
    while let Some(request) = message(&mut client, false)? {
        let shown = String::from_utf8_lossy(&request).into_owned();
        let organizations = shown.to_ascii_lowercase().contains("x-amz-target: awsorganizations");
        if organizations {
            asked.store(true, Ordering::Relaxed);
            write!(
                client,
                "HTTP/1.1 {status} x\r\ncontent-type: application/x-amz-json-1.1\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            )?;
            continue;
        }
        let head = shown.starts_with("HEAD ");
        requests.lock().expect("nobody panics with it").push(shown);
        let mut target = TcpStream::connect(behind)?;
        target.write_all(&request)?;
        match message(&mut target, head)? {
            Some(answer) => client.write_all(&answer)?,
            None => return Ok(()),
        }
    }
    Ok(())
}

/// One HTTP message with a Content-Length, whole.
fn message(stream: &mut TcpStream, without_body: bool) -> std::io::Result<Option<Vec<u8>>> {
    let mut message = Vec::new();
    let mut byte = [0];
    while !message.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte)? == 0 {
            return Ok(None);
        }
        message.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&message).to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"))
        .and_then(|length| length.trim().parse().ok())
        .unwrap_or(0_usize);
    if !without_body && length > 0 {
        let start = message.len();
        message.resize(start + length, 0);
        stream.read_exact(&mut message[start..])?;
    }
    Ok(Some(message))
}
