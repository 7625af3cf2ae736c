//! What each role may do.

use finops_contract::accounts::Role;

/// Something that not everybody may do. What is not listed, everybody who is signed in may do within what they see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Change the organization's settings.
    OrganizationWrite,
    /// See, invite, promote and remove people.
    MembersWrite,
    /// Make, change and delete teams and projects, and say who belongs to them.
    ProjectsWrite,
    /// Register, rotate, stop and delete admin keys, and Project IDs.
    AdminKeysWrite,
    /// See, rotate and revoke everybody's API keys, and make some that are bound to no project.
    ApiKeysWrite,
    /// See every team, project and cost of the organization, not only one's own.
    SeeEverything,
    /// Bring costs in: run the collector, import a file.
    CostsCollect,
    /// Say what the organization negotiated, and price its events anew.
    PricesWrite,
    /// Set budgets, cost thresholds and exchange rates.
    BudgetsWrite,
    /// Set up channels, and see what was sent over them.
    ChannelsWrite,
    /// Stop projects, Admin keys and everybody's API keys in an emergency, approve that, and lift it.
    BlocksWrite,
    /// Decide about the public prices.
    PricesPublish,
    /// Read the audit log.
    AuditRead,
    /// Read what people asked models and were answered.
    PromptsRead,
    /// See and retry background jobs, of every organization.
    JobsRead,
    /// See every organization.
    OrganizationsRead,
}

impl Permission {
    /// The lowest role that has it.
    const fn lowest(self) -> Role {
        match self {
            Self::PricesPublish | Self::JobsRead | Self::OrganizationsRead => Role::Admin,
            Self::OrganizationWrite
            | Self::MembersWrite
            | Self::ProjectsWrite
            | Self::AdminKeysWrite
            | Self::ApiKeysWrite
            | Self::SeeEverything
            | Self::CostsCollect
            | Self::PricesWrite
            | Self::BudgetsWrite
            | Self::ChannelsWrite
            | Self::BlocksWrite
            | Self::AuditRead
            | Self::PromptsRead => Role::TenantAdmin,
        }
    }

    /// Whether a role has it.
    pub fn granted_to(self, role: Role) -> bool {
        role >= self.lowest()
    }
}

#[cfg(test)]
mod tests {
    use finops_contract::accounts::Role;

    use super::Permission;

    #[test]
    fn a_tenants_administrator_stays_in_the_tenant() {
        assert!(Permission::AdminKeysWrite.granted_to(Role::TenantAdmin));
        assert!(!Permission::JobsRead.granted_to(Role::TenantAdmin));
        assert!(!Permission::SeeEverything.granted_to(Role::User));
        assert!(Permission::OrganizationsRead.granted_to(Role::Admin));
    }
}
