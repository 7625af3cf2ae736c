//! Addresses that lead inside: refused when they are stored, and when they are sent to.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use tokio::net::{TcpListener, TcpStream};

use crate::support::TestApp;

/// Somebody inside, who counts who comes.
struct Inside {
    port: u16,
    visits: Arc<AtomicUsize>,
    listening: tokio::task::JoinHandle<()>,
}

impl Inside {
    #[expect(clippy::disallowed_methods, reason = "the harness ends it")]
    async fn start() -> Self {
        let listener = TcpListener::bind("0.0.0.0:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let visits = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&visits);
        let listening = tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                counted.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { port, visits, listening }
    }

    /// How many came before us.
    async fn visits(&self) -> usize {
        let before = self.visits.load(Ordering::SeqCst);
        TcpStream::connect(("127.0.0.1", self.port)).await.expect("a connection");
        while self.visits.load(Ordering::SeqCst) == before {
            tokio::task::yield_now().await;
        }
        self.visits.load(Ordering::SeqCst) - 1
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

fn urls(port: u16) -> Vec<(String, &'static str)> {
    let hosts = [
        ("127.0.0.1", "private_address"),
        ("127.1", "private_address"),
        ("127.255.255.254", "private_address"),
        ("0", "private_address"),
        ("0.0.0.0", "private_address"),
        ("0x7f.0.0.1", "private_address"),
        ("0x7f000001", "private_address"),
        ("2130706433", "private_address"),
        ("017700000001", "private_address"),
        ("0177.0.0.1", "private_address"),
        ("127.0.0.1.", "private_address"),
        ("①②⑦.⓪.⓪.①", "private_address"),
        ("１２７.０.０.１", "private_address"),
        ("127%2e0%2e0%2e1", "private_address"),
        ("[::1]", "private_address"),
        ("[::]", "private_address"),
        ("[::ffff:127.0.0.1]", "private_address"),
        ("[::ffff:7f00:1]", "private_address"),
        ("[::127.0.0.1]", "private_address"),
        ("[64:ff9b::127.0.0.1]", "private_address"),
        ("[2002:7f00:1::]", "private_address"),
        ("[fe80::1]", "private_address"),
        ("[fc00::1]", "private_address"),
        ("[fd00:ec2::254]", "private_address"),
        ("169.254.169.254", "private_address"),
        ("0xa9fea9fe", "private_address"),
        ("2852039166", "private_address"),
        ("100.100.100.200", "private_address"),
        ("10.0.0.1", "private_address"),
        ("172.16.0.1", "private_address"),
        ("192.168.1.1", "private_address"),
        ("198.18.0.1", "private_address"),
        ("224.0.0.1", "private_address"),
        ("255.255.255.255", "private_address"),
        ("localhost", "local_name"),
        ("LOCALHOST", "local_name"),
        ("localhost.", "local_name"),
        ("foo.localhost", "local_name"),
        ("ⓛocalhost", "local_name"),
        ("printer.local", "local_name"),
        ("metadata.google.internal", "local_name"),
        ("kubernetes", "local_name"),
        ("router.lan", "local_name"),
        ("nas.home.arpa", "local_name"),
        ("wiki.corp", "local_name"),
    ];
    let mut urls: Vec<(String, &str)> =
        hosts.into_iter().map(|(host, code)| (format!("https://{host}:{port}/hook"), code)).collect();
    urls.extend([
        (format!("http://127.0.0.1:{port}/"), "not_https"),
        (format!("http://hooks.slack.com:{port}/"), "not_https"),
        (format!("https://hooks.slack.com@127.0.0.1:{port}/"), "user_info"),
        (format!("https://user:password@hooks.slack.com:{port}/"), "user_info"),
        (format!("https://127.0.0.1:{port}\\@hooks.slack.com/"), "private_address"),
        (format!("https:\\\\127.0.0.1:{port}/"), "private_address"),
        (format!("  https://127.0.0.1:{port}/"), "private_address"),
        (format!("ht\ntps://127.0.0.1:{port}/"), "private_address"),
        (format!("ftp://127.0.0.1:{port}/"), "not_https"),
        (format!("gopher://127.0.0.1:{port}/_POST"), "not_https"),
        (format!("//127.0.0.1:{port}/"), "not_a_url"),
        ("file:///etc/passwd".to_owned(), "not_https"),
        ("data:text/plain,x".to_owned(), "not_https"),
        ("https://".to_owned(), "not_a_url"),
        (String::new(), "not_a_url"),
    ]);
    urls
}

#[tokio::test]
async fn no_hostile_address_is_stored_and_nobody_inside_hears_of_us() {
    let app = TestApp::builder().with_accounts().spawn().await;
    let people = app.people().await;
    let inside = Inside::start().await;
    let good = json!({"type": "webhook", "name": "Good", "url": "https://hooks.example.com/finops"});
    let good = people.admin.post("/api/channels", good).await.ok();
    let path = format!("/api/channels/{}", good["id"].as_str().expect("an id"));
    let urls = urls(inside.port);
    assert!(urls.len() >= 60, "{}", urls.len());
    for (url, code) in &urls {
        for kind in ["webhook", "slack"] {
            let body = json!({"type": kind, "name": "Hostile", "url": url});
            people.admin.post("/api/channels", body).await.field("/url", code);
        }
        people.admin.patch(&path, json!({"url": url})).await.field("/url", code);
    }
    for host in ["127.0.0.1", "0x7f.1", "2130706433", "[::1]", "localhost", "mail.internal", "10.0.0.1"] {
        let smtp = json!({"host": host, "port": inside.port, "security": "starttls", "from": "a@example.com"});
        let body = json!({"type": "email", "name": "Hostile", "addresses": ["a@example.com"], "smtp": smtp});
        let code = if host.contains('l') { "local_name" } else { "private_address" };
        people.admin.post("/api/channels", body).await.field("/smtp/host", code);
    }
    assert_eq!(app.database.count("SELECT count(*) FROM channels").await, 1);
    assert_eq!(inside.visits().await, 0);
}

#[tokio::test]
async fn an_exception_that_is_taken_back_ends_what_it_let_through() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let hook = json!({"type": "webhook", "name": "Hook", "url": app.simulator.webhook_url("inside")});
    let id = people.admin.post("/api/channels", hook).await.ok()["id"].as_str().expect("an id").to_owned();
    let stricter = TestApp::builder().set("OUTBOUND_ALLOW", "").spawn_on(app.database.share()).await;
    let admin = people.admin.at(stricter.url());
    let tried = admin.post(&format!("/api/channels/{id}/test"), json!({})).await.ok();
    assert_eq!(tried["delivered"], false);
    assert_eq!(tried["deliveries"][0]["reason"], "refused_destination");
    assert_eq!(tried["channel"]["health"]["state"], "failing");
    assert_eq!(app.provider().inbox(&finops_simulator::InboxQuery::webhook("inside").attempts()), []);
}
