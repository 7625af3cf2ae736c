//! Who uses the service in tests.

use finops_contract::accounts::{CreatedInvitation, Role, Session};
use serde_json::json;

use super::app::TestApp;
use super::client::Client;

/// Everybody's password.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// Four people who are signed in, of two organizations.
#[derive(Debug)]
pub(crate) struct People {
    /// The first account: runs the platform, and founded "Example Inc.".
    pub(crate) admin: Client,
    /// Runs Example Inc.
    pub(crate) tenant_admin: Client,
    /// Belongs to Example Inc. and to no team yet.
    pub(crate) user: Client,
    /// Runs another organization, "Other Inc.".
    pub(crate) outsider: Client,
}

impl People {
    pub(super) async fn register(app: &TestApp) -> Self {
        let admin = app.found("admin@example.com", "Example Inc.").await;
        let tenant_admin = app.invite(&admin, "tenant-admin@example.com", Role::TenantAdmin).await;
        let user = app.invite(&admin, "user@example.com", Role::User).await;
        let outsider = app.found("outsider@example.org", "Other Inc.").await;
        Self { admin, tenant_admin, user, outsider }
    }

    /// The same people by role, the outsider left out.
    pub(crate) fn inside(&self) -> [(Role, &Client); 3] {
        [(Role::Admin, &self.admin), (Role::TenantAdmin, &self.tenant_admin), (Role::User, &self.user)]
    }
}

impl TestApp {
    /// Registers somebody who founds an organization; signed in. The service must take strangers.
    pub(crate) async fn found(&self, email: &str, organization: &str) -> Client {
        let body = json!({"email": email, "password": PASSWORD, "name": "Founder", "organizationName": organization});
        let answer = self.anonymous().post("/api/auth/register", body).await;
        self.client_of(&answer.read_as())
    }

    /// Invites somebody and registers them; signed in.
    pub(crate) async fn invite(&self, by: &Client, email: &str, role: Role) -> Client {
        let created: CreatedInvitation =
            by.post("/api/invitations", json!({"email": email, "role": role})).await.read_as();
        let body = json!({"email": email, "password": PASSWORD, "name": "Colleague", "invitationToken": created.token});
        let answer = self.anonymous().post("/api/auth/register", body).await;
        self.client_of(&answer.read_as())
    }

    /// Begins another session of an account.
    pub(crate) async fn sign_in(&self, email: &str) -> Client {
        let body = json!({"email": email, "password": PASSWORD});
        let answer = self.anonymous().post("/api/auth/login", body).await;
        self.client_of(&answer.read_as())
    }

    /// A client of a session.
    pub(crate) fn client_of(&self, session: &Session) -> Client {
        Client::signed_in(self.url(), &self.state.tokens, &self.state.clock, session)
    }
}
