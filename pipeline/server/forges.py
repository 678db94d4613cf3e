"""How each forge wants to be told about a commit: requests as data, made by nobody here.

https://docs.github.com/rest/commits/statuses, https://docs.github.com/rest/deployments,
https://docs.gitlab.com/api/commits, https://docs.gitea.com/api and
https://developer.atlassian.com/cloud/bitbucket/rest
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol
from urllib.parse import quote

from pipeline.server.config import ReportKind

State = Literal["running", "passed", "failed", "error", "cancelled"]
LONGEST = 140
"""Characters of a description; GitHub takes no more."""


@dataclass(frozen=True)
class Post:
    """A JSON document to send to a path below the base of the interface."""

    path: str
    body: Mapping[str, Any]


@dataclass(frozen=True)
class News:
    """What there is to tell about a commit."""

    context: str
    """Which of the commit's statuses it is."""
    commit: str
    branch: str
    state: State
    description: str
    url: str = ""
    """Where more is to be seen."""
    environment: str = ""
    """What was deployed to; empty when nothing was to be."""
    app: str = ""
    """Where the deployed app is."""

    @property
    def short(self) -> str:
        text = self.description
        return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


class Forge(Protocol):
    """One interface."""

    api: str
    """Its public base URL; empty where there is none."""

    def headers(self, token: str) -> dict[str, str]:
        """By which it knows us."""

    def status(self, repository: str, news: News) -> Post:
        """To tell the state of a commit."""

    def deployment(self, repository: str, news: News) -> Post | None:
        """To tell of a deployment; None where there is no such thing."""

    def deployed(self, repository: str, number: int, news: News) -> Post:
        """To tell how that deployment went."""


class _WithoutDeployments:
    def deployment(self, repository: str, news: News) -> Post | None:
        return None

    def deployed(self, repository: str, number: int, news: News) -> Post:
        raise NotImplementedError("there are no deployments here")


class GitHub:
    api = "https://api.github.com"

    def headers(self, token: str) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }

    def status(self, repository: str, news: News) -> Post:
        body = {
            "state": _outcome(news, running="pending"),
            "context": news.context,
            "description": news.short,
        }
        return Post(f"/repos/{repository}/statuses/{news.commit}", body | _link("target_url", news))

    def deployment(self, repository: str, news: News) -> Post | None:
        body = {
            "ref": news.commit,
            "environment": news.environment,
            "description": news.short,
            "auto_merge": False,
            "required_contexts": [],
        }
        return Post(f"/repos/{repository}/deployments", body)

    def deployed(self, repository: str, number: int, news: News) -> Post:
        body = {"state": _outcome(news, running="in_progress"), "description": news.short}
        if news.app:
            body["environment_url"] = news.app
        path = f"/repos/{repository}/deployments/{number:d}/statuses"
        return Post(path, body | _link("log_url", news))


class GitLab(_WithoutDeployments):
    api = "https://gitlab.com/api/v4"

    def headers(self, token: str) -> dict[str, str]:
        return {"PRIVATE-TOKEN": token}

    def status(self, repository: str, news: News) -> Post:
        states = {"running": "running", "passed": "success", "cancelled": "canceled"}
        body = {
            "state": states.get(news.state, "failed"),
            "name": news.context,
            "description": news.short,
        }
        if news.branch:
            body["ref"] = news.branch
        path = f"/projects/{quote(repository, safe='')}/statuses/{news.commit}"
        return Post(path, body | _link("target_url", news))


class Gitea(_WithoutDeployments):
    """It took GitHub's statuses over."""

    api = ""

    def headers(self, token: str) -> dict[str, str]:
        return {"Authorization": f"token {token}"}

    def status(self, repository: str, news: News) -> Post:
        return GitHub().status(repository, news)


class Bitbucket(_WithoutDeployments):
    api = "https://api.bitbucket.org/2.0"

    def headers(self, token: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {token}"}

    def status(self, repository: str, news: News) -> Post:
        states = {"running": "INPROGRESS", "passed": "SUCCESSFUL", "cancelled": "STOPPED"}
        body = {
            "key": news.context[-40:],
            "name": news.context,
            "state": states.get(news.state, "FAILED"),
            "description": news.short,
            "url": news.url or "https://example.com",  # it takes none without
        }
        return Post(f"/repositories/{repository}/commit/{news.commit}/statuses/build", body)


def _outcome(news: News, *, running: str) -> str:
    """In GitHub's words."""
    over = {"running": running, "passed": "success", "failed": "failure"}
    return over.get(news.state, "error")


def _link(key: str, news: News) -> dict[str, str]:
    return {key: news.url} if news.url else {}


FORGES: Mapping[ReportKind, Forge] = {
    "github": GitHub(),
    "gitlab": GitLab(),
    "gitea": Gitea(),
    "bitbucket": Bitbucket(),
}
