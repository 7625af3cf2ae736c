//! `GET /organization/projects` and `/organization/projects/{id}`.

use async_trait::async_trait;
use serde::Deserialize;

use super::client::OpenAiClient;
use super::wire::{List, Seconds, said};
use crate::capabilities::{Cursor, Project, ProjectDirectory, ProjectPage};
use crate::error::{ProviderError, Resource};
use crate::http::Answer;

#[async_trait]
impl ProjectDirectory for OpenAiClient {
    async fn list_projects(&self, include_archived: bool, page: Option<&Cursor>) -> Result<ProjectPage, ProviderError> {
        read_page(&self.projects(include_archived, page).await?)
    }

    async fn get_project(&self, project_id: &str) -> Result<Project, ProviderError> {
        let url = self.url(&["organization", "projects", project_id])?;
        let wire: WireProject = self.get(url, Resource::Project).await?.json("project")?;
        // An answer about another project must not vouch for this one.
        if wire.id != project_id {
            return Err(ProviderError::malformed("project: the answer is about another project"));
        }
        Ok(wire.into())
    }
}

impl OpenAiClient {
    pub(super) async fn projects(
        &self,
        include_archived: bool,
        page: Option<&Cursor>,
    ) -> Result<Answer, ProviderError> {
        let mut url = self.url(&["organization", "projects"])?;
        {
            let mut pairs = url.query_pairs_mut();
            pairs.append_pair("limit", "100");
            pairs.append_pair("include_archived", if include_archived { "true" } else { "false" });
            if let Some(page) = page {
                pairs.append_pair("after", page.as_str());
            }
        }
        self.get(url, Resource::Endpoint).await
    }
}

pub(super) fn read_page(answer: &Answer) -> Result<ProjectPage, ProviderError> {
    let list: List<WireProject> = answer.json("projects")?;
    let next = list.next(|project| &project.id)?;
    Ok(ProjectPage { projects: list.data.into_iter().map(Project::from).collect(), next })
}

#[derive(Deserialize)]
struct WireProject {
    id: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    created_at: Option<Seconds>,
    #[serde(default)]
    archived_at: Option<Seconds>,
}

impl From<WireProject> for Project {
    fn from(wire: WireProject) -> Self {
        Self {
            id: wire.id,
            name: said(wire.name),
            status: said(wire.status),
            created_at: wire.created_at.map(|at| at.0),
            archived_at: wire.archived_at.map(|at| at.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<ProjectPage, ProviderError> {
        read_page(&Answer { headers: Default::default(), body: body.to_owned() })
    }

    #[test]
    fn reads_the_published_example() {
        let page = read(include_str!("../../tests/data/openai.get.projects.json")).unwrap();
        assert_eq!(page.next, None);
        let project = &page.projects[0];
        assert_eq!(
            (project.id.as_str(), project.name.as_deref(), project.status.as_deref()),
            ("proj_abc", Some("Project example"), Some("active"))
        );
        assert_eq!((project.created_at.unwrap().timestamp(), project.archived_at), (1_711_471_533, None));
    }

    #[test]
    fn pages_after_the_last_id_or_the_last_entry() {
        let next = |rest: &str| {
            read(&format!(r#"{{"data":[{{"id":"a"}},{{"id":"b","new":{{}}}}]{rest}}}"#))
                .unwrap()
                .next
                .map(|c| c.as_str().to_owned())
        };
        assert_eq!(next(r#","has_more":true,"last_id":"z""#).as_deref(), Some("z"));
        assert_eq!(next(r#","has_more":true,"last_id":null"#).as_deref(), Some("b"));
        assert_eq!(next(r#","has_more":false,"last_id":"b""#), None);
        assert_eq!(next(""), None);
        let broken = read(r#"{"data":[],"has_more":true}"#).unwrap_err();
        assert_eq!(broken.user_reason(), "broken_paging");
    }
}
