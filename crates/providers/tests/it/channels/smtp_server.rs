//! A mail server on loopback, as far as a client needs one.

use std::sync::{Arc, Mutex};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// How it behaves.
#[derive(Clone, Default)]
pub(crate) struct Habits {
    /// Speaks TLS from the first byte.
    pub(crate) implicit_tls: bool,
    /// Offers `STARTTLS`.
    pub(crate) starttls: bool,
    /// What it answers to a command that begins so, instead of the usual.
    pub(crate) instead: Option<(&'static str, &'static str)>,
    /// The command that it never answers.
    pub(crate) silent_on: Option<&'static str>,
    /// Says something without end, and never a line.
    pub(crate) babbles: bool,
}

/// What was said to it, and whether that was protected.
pub(crate) type Said = Vec<(bool, String)>;

pub(crate) struct MailServer {
    pub(crate) port: u16,
    pub(crate) certificate: Vec<u8>,
    said: Arc<Mutex<Said>>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl MailServer {
    pub(crate) async fn start(habits: Habits) -> Self {
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        let key = PrivateKeyDer::Pkcs8(signing_key.serialize_der().into());
        let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, said) = (listener.local_addr().unwrap().port(), Arc::new(Mutex::new(Vec::new())));
        let heard = said.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if habits.implicit_tls {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        converse(stream, &habits, true, true, &heard).await;
                    }
                } else if let Some(stream) = converse(stream, &habits, false, true, &heard).await
                    && let Ok(stream) = acceptor.accept(stream).await
                {
                    converse(stream, &habits, true, false, &heard).await;
                }
            }
        });
        Self { port, certificate: cert.der().to_vec(), said, accepting }
    }

    pub(crate) fn said(&self) -> Said {
        self.said.lock().unwrap().clone()
    }
}

/// Talks until the end, or gives the stream back when TLS is to begin.
async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    habits: &Habits,
    protected: bool,
    greets: bool,
    said: &Mutex<Said>,
) -> Option<S> {
    let mut stream = BufReader::new(stream);
    if habits.babbles {
        while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
        return None;
    }
    if greets {
        stream.write_all(b"220 mail.example ESMTP\r\n").await.ok()?;
    }
    let mut data = false;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let line = line.trim_end_matches(['\r', '\n']).to_owned();
        said.lock().unwrap().push((protected, line.clone()));
        if data {
            data = line != ".";
            if !data {
                let usual = "250 2.0.0 Ok: queued as 12345";
                let answer = habits.instead.filter(|(on, _)| *on == ".").map_or(usual, |(_, answer)| answer);
                stream.write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
            }
            continue;
        }
        let command = line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
        if habits.silent_on == Some(command.as_str()) {
            std::future::pending::<()>().await;
        }
        let instead = habits.instead.filter(|(on, _)| command == *on).map(|(_, answer)| answer.to_owned());
        let answer = instead.unwrap_or_else(|| match command.as_str() {
            "EHLO" => {
                let offer = if habits.starttls && !protected { "250-STARTTLS\r\n" } else { "" };
                format!("250-mail.example\r\n{offer}250-AUTH PLAIN LOGIN\r\n250 8BITMIME")
            }
            "STARTTLS" => "220 Go ahead".to_owned(),
            "AUTH" => "235 2.7.0 Welcome".to_owned(),
            "DATA" => "354 Go ahead".to_owned(),
            "QUIT" => "221 Bye".to_owned(),
            _ => "250 2.1.0 Ok".to_owned(),
        });
        stream.write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
        data = command == "DATA" && answer.starts_with('3');
        if command == "STARTTLS" && answer.starts_with('2') {
            return Some(stream.into_inner());
        }
    }
}
