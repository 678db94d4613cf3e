"""Running again whenever something has changed: files here, commits there, base images."""

from pipeline.app.watch.inbox import Change, Inbox, Superseded
from pipeline.app.watch.loop import Host, watch
from pipeline.app.watch.setup import Fresh, Wish, prepare

__all__ = ["Change", "Fresh", "Host", "Inbox", "Superseded", "Wish", "prepare", "watch"]
