//! Addresses that tenants give and that lead inside: nobody inside may hear anything of us.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use finops_providers::{
    Guard, GuardedClient, Notifier, NotifyError, Refused, SignedWebhook, SlackWebhook, SmtpMailer, SmtpSecurity,
    SmtpServer, WebhookSecret,
};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::net::TcpListener;

use super::{notice, policy, route};

/// Somebody inside, on one port of every loopback address there is, who counts who comes.
struct Inside {
    port: u16,
    visits: Arc<AtomicUsize>,
    doors: Vec<SocketAddr>,
    listening: Vec<tokio::task::JoinHandle<()>>,
}

impl Inside {
    async fn start() -> Self {
        let first = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let port = first.local_addr().unwrap().port();
        let mut inside = Self { port, visits: Arc::default(), doors: Vec::new(), listening: Vec::new() };
        inside.listen(first, "127.0.0.1");
        // Where there is no IPv6, there is nobody to visit.
        if let Ok(second) = TcpListener::bind(("::1", port)).await {
            inside.listen(second, "::1");
        }
        inside
    }

    fn listen(&mut self, listener: TcpListener, door: &str) {
        let visits = self.visits.clone();
        self.doors.push(SocketAddr::new(door.parse().unwrap(), self.port));
        self.listening.push(tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                visits.fetch_add(1, Ordering::SeqCst);
            }
        }));
    }

    /// How many came. We come last, and the kernel lets people in by the order in which they came.
    async fn visits(&self) -> usize {
        for door in &self.doors {
            let before = self.visits.load(Ordering::SeqCst);
            tokio::net::TcpStream::connect(door).await.unwrap();
            while self.visits.load(Ordering::SeqCst) == before {
                tokio::task::yield_now().await;
            }
        }
        self.visits.load(Ordering::SeqCst) - self.doors.len()
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.listening.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

/// A name server under the attacker's control: what each name answers.
struct Attacker(HashMap<&'static str, Vec<&'static str>>);

impl Resolve for Attacker {
    fn resolve(&self, name: Name) -> Resolving {
        let found = self.0.get(name.as_str().trim_end_matches('.')).cloned();
        Box::pin(async move {
            let found = found.ok_or("no such name")?;
            let found = found.into_iter().map(|ip| SocketAddr::new(ip.parse::<IpAddr>().unwrap(), 0));
            Ok(Box::new(found) as Addrs)
        })
    }
}

const NAMES: [(&str, &[&str]); 16] = [
    ("loopback.evil.example", &["127.0.0.1"]),
    ("other-loopback.evil.example", &["127.8.8.8"]),
    ("zero.evil.example", &["0.0.0.0"]),
    ("six.evil.example", &["::1"]),
    ("unspecified.evil.example", &["::"]),
    ("mapped.evil.example", &["::ffff:127.0.0.1"]),
    ("compatible.evil.example", &["::127.0.0.1"]),
    ("nat64.evil.example", &["64:ff9b::7f00:1"]),
    ("6to4.evil.example", &["2002:7f00:1::"]),
    ("teredo.evil.example", &["2001:0:4136:e378:8000:63bf:80ff:fffe"]),
    ("metadata.evil.example", &["169.254.169.254"]),
    ("private.evil.example", &["10.1.2.3"]),
    ("cgnat.evil.example", &["100.100.100.200"]),
    ("unique-local.evil.example", &["fd00:ec2::254"]),
    // One good address does not make up for a bad one, in whichever order.
    ("mixed.evil.example", &["93.184.215.14", "127.0.0.1"]),
    ("mixed-six.evil.example", &["::1", "2606:2800:21f:cb07::1"]),
];

/// What a URL's form gives away, without looking anything up.
fn hostile_forms(port: u16) -> Vec<String> {
    let hosts = [
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "127.255.255.254",
        "0",
        "0.0.0.0",
        "0x7f.0.0.1",
        "0x7f000001",
        "2130706433",
        "017700000001",
        "0177.0.0.1",
        "0177.0.0.01",
        "127.0.0.1.",
        "①②⑦.⓪.⓪.①",
        "１２７.０.０.１",
        "127%2e0%2e0%2e1",
        "[::1]",
        "[::]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[64:ff9b:1::7f00:1]",
        "[2002:7f00:1::]",
        "[2001:0:4136:e378:8000:63bf:80ff:fffe]",
        "[fe80::1]",
        "[fc00::1]",
        "[fd00:ec2::254]",
        "[ff02::1]",
        "[fec0::1]",
        "[100::1]",
        "[2001:db8::1]",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "foo.localhost",
        "localhost.localdomain",
        "ⓛocalhost",
        "printer.local",
        "metadata.google.internal",
        "kubernetes",
        "db.internal",
        "router.lan",
        "nas.home.arpa",
        "wiki.corp",
        "169.254.169.254",
        "0xa9fea9fe",
        "2852039166",
        "169.254.170.2",
        "168.63.129.16",
        "100.100.100.200",
        "192.0.0.192",
        "10.0.0.1",
        "10.255.255.255",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "198.18.0.1",
        "192.0.2.1",
        "224.0.0.1",
        "255.255.255.255",
        "240.0.0.1",
    ];
    let mut urls: Vec<String> = hosts.iter().map(|host| format!("https://{host}:{port}/hook")).collect();
    urls.extend([
        format!("http://127.0.0.1:{port}/"),
        format!("http://hooks.slack.com:{port}/"),
        format!("https://hooks.slack.com@127.0.0.1:{port}/"),
        format!("https://user:password@hooks.slack.com:{port}/"),
        format!("https://127.0.0.1:{port}\\@hooks.slack.com/"),
        format!("https:127.0.0.1:{port}/"),
        format!("https:\\\\127.0.0.1:{port}/"),
        format!("  https://127.0.0.1:{port}/"),
        format!("https://127.0.0.1\t:{port}/"),
        format!("ht\ntps://127.0.0.1:{port}/"),
        format!("ftp://127.0.0.1:{port}/"),
        format!("gopher://127.0.0.1:{port}/_POST"),
        format!("//127.0.0.1:{port}/"),
        format!("127.0.0.1:{port}"),
        "file:///etc/passwd".to_owned(),
        "data:text/plain,x".to_owned(),
        "unix:/var/run/docker.sock".to_owned(),
        "https://".to_owned(),
        "https://[::1%25lo]/".to_owned(),
        String::new(),
    ]);
    urls
}

fn guard() -> Guard {
    let names = NAMES.into_iter().map(|(name, answers)| (name, answers.to_vec())).collect();
    Guard::new(Vec::<String>::new()).unwrap().with_lookup(Arc::new(Attacker(names)))
}

fn client() -> GuardedClient {
    GuardedClient::new(guard(), "finops-test").unwrap()
}

#[tokio::test]
async fn no_hostile_url_reaches_anybody_inside() {
    let inside = Inside::start().await;
    let (client, guard) = (client(), guard());
    let forms = hostile_forms(inside.port);
    assert!(forms.len() >= 80, "{}", forms.len());
    for url in &forms {
        assert!(guard.check_url(url).is_err(), "{url}");
        let secret = WebhookSecret::parse(&WebhookSecret::text(&[1; 32])).unwrap();
        assert!(SignedWebhook::new(client.clone(), url.clone().into(), vec![secret]).is_err(), "{url}");
        assert!(SlackWebhook::new(client.clone(), url.clone().into()).is_err(), "{url}");
    }
    for (name, _) in NAMES {
        let url = format!("https://{name}:{}/hook", inside.port);
        assert_eq!(guard.check_url(&url), Ok(()), "the form says nothing");
        let secret = WebhookSecret::parse(&WebhookSecret::text(&[1; 32])).unwrap();
        let webhook =
            SignedWebhook::new(client.clone(), url.clone().into(), vec![secret]).unwrap().with_policy(policy());
        let slack = SlackWebhook::new(client.clone(), url.into()).unwrap().with_policy(policy());
        for notifier in [&webhook as &dyn Notifier, &slack] {
            let error = notifier.notify(&notice()).await.unwrap_err();
            assert_eq!(error, NotifyError::Destination(Refused::Address), "{name}");
        }
    }
    assert_eq!(inside.visits().await, 0);
}

#[tokio::test]
async fn no_hostile_mail_server_reaches_anybody_inside() {
    let inside = Inside::start().await;
    let server = |host: &str, security| SmtpServer {
        host: host.to_owned(),
        port: inside.port,
        security,
        credentials: None,
        extra_roots: vec![],
    };
    let hosts = [
        "127.0.0.1",
        "127.1",
        "0x7f.1",
        "2130706433",
        "0",
        "[::1]",
        "::1",
        "[::ffff:127.0.0.1]",
        "localhost",
        "mail.localhost",
        "mailpit",
        "169.254.169.254",
        "10.0.0.1",
        "",
        "a b",
        "127.0.0.1:25",
        "u@127.0.0.1",
        "127.0.0.1/",
        "127.0.0.1?x",
        "127.0.0.1#x",
        "mail.internal",
    ];
    for host in hosts {
        let refused = SmtpMailer::new(guard(), server(host, SmtpSecurity::StartTls), route());
        assert_eq!(refused.unwrap_err().user_reason(), "invalid_request", "{host}");
    }
    for (name, _) in NAMES {
        for security in [SmtpSecurity::StartTls, SmtpSecurity::Tls] {
            let mailer = SmtpMailer::new(guard(), server(name, security), route()).unwrap().with_policy(policy());
            let error = mailer.notify(&notice()).await.unwrap_err();
            assert_eq!(error, NotifyError::Destination(Refused::Address), "{name}");
        }
        let plain = SmtpMailer::new(guard(), server(name, SmtpSecurity::Plain), route());
        assert!(plain.is_err(), "nothing is sent unprotected to a tenant's server");
    }
    assert_eq!(inside.visits().await, 0);
}

/// Says something inside when it is asked first, and something public to whoever asks again to make sure.
struct Rebinding(AtomicUsize);

impl Resolve for Rebinding {
    fn resolve(&self, _: Name) -> Resolving {
        let asked = self.0.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            let ip: IpAddr = if asked == 0 { "127.0.0.1" } else { "93.184.215.14" }.parse()?;
            Ok(Box::new(std::iter::once(SocketAddr::new(ip, 0))) as Addrs)
        })
    }
}

#[tokio::test]
async fn a_name_is_asked_once_and_what_it_said_is_what_is_connected_to() {
    let inside = Inside::start().await;
    let lookup = Arc::new(Rebinding(AtomicUsize::new(0)));
    let guard = Guard::new(Vec::<String>::new()).unwrap().with_lookup(lookup.clone());
    let client = GuardedClient::new(guard, "finops-test").unwrap();
    let url = format!("https://rebinding.evil.example:{}/", inside.port);
    let slack = SlackWebhook::new(client, url.into()).unwrap().with_policy(policy());
    let error = slack.notify(&notice()).await.unwrap_err();
    assert_eq!((error, lookup.0.load(Ordering::SeqCst)), (NotifyError::Destination(Refused::Address), 1));
    assert_eq!(inside.visits().await, 0);
}

#[test]
fn refusals_say_why() {
    let guard = Guard::new(["127.0.0.1:9000", "mailpit:8025", "[::1]:9001"]).unwrap();
    for (url, expected) in [
        ("https://hooks.slack.com/services/T/B/x", Ok(())),
        ("https://8.8.8.8/", Ok(())),
        ("https://[2606:4700::1111]/", Ok(())),
        ("https://xn--9t4b11yi5a.com/", Ok(())),
        ("http://127.0.0.1:9000/", Ok(())),
        ("https://127.0.0.1:9000/", Ok(())),
        ("http://0x7f.1:9000/", Ok(())),
        ("http://mailpit:8025/", Ok(())),
        ("http://MAILPIT.:8025/", Ok(())),
        ("http://[::1]:9001/", Ok(())),
        ("http://127.0.0.1:9001/", Err(Refused::Scheme)),
        ("https://127.0.0.1:9001/", Err(Refused::Address)),
        ("https://127.0.0.2:9000/", Err(Refused::Address)),
        ("http://u@127.0.0.1:9000/", Err(Refused::UserInfo)),
        ("ftp://127.0.0.1:9000/", Err(Refused::Scheme)),
        ("https://mailpit/", Err(Refused::LocalName)),
        ("nonsense", Err(Refused::NotAUrl)),
    ] {
        assert_eq!(guard.check_url(url), expected, "{url}");
    }
    for entry in ["", "127.0.0.1", "http://127.0.0.1:9000", "127.0.0.1:9000/x", "u@h:1", "h:99999", "*:80/"] {
        assert_eq!(Guard::new([entry]).unwrap_err().user_reason(), "invalid_request", "{entry}");
    }
}
