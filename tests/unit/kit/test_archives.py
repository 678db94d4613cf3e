import errno
import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from pipeline.errors import StageFailed, Unusable
from pipeline.kit.archives import archived_images, file_digest, save_archive
from pipeline.kit.pushing import TemporaryTags
from pipeline.ports.engine import ImageInfo
from pipeline.scope import Scope
from tests.support.stage_context import ListJournal

CONFIG, MANIFEST = "a" * 64, "b" * 64


def archive(path: Path, **files: object) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, content in files.items():
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            info = tarfile.TarInfo(name.replace("_", "."))
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def test_an_old_archive_names_the_config(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.tar", manifest_json=[
        {"Config": f"{CONFIG}.json", "RepoTags": ["hello:1", "hello:2"], "Layers": []},
    ])  # fmt: skip
    assert archived_images(path) == {
        "hello:1": (f"sha256:{CONFIG}",), "hello:2": (f"sha256:{CONFIG}",),
    }  # fmt: skip


def test_a_new_archive_names_the_manifest_too(tmp_path: Path) -> None:
    path = archive(
        tmp_path / "a.tar",
        manifest_json=[{"Config": f"blobs/sha256/{CONFIG}", "RepoTags": ["hello:1"]}],
        index_json={"manifests": [
            {"digest": f"sha256:{MANIFEST}",
             "annotations": {"io.containerd.image.name": "docker.io/library/hello:1"}},
            {"digest": f"sha256:{'c' * 64}",
             "annotations": {"io.containerd.image.name": "docker.io/library/other:1"}},
        ]},
    )  # fmt: skip
    assert archived_images(path) == {"hello:1": (f"sha256:{CONFIG}", f"sha256:{MANIFEST}")}


@pytest.mark.parametrize(
    "content", [b"", b"no archive at all" * 100, {"a_json": []}, {"manifest_json": b"{"},
                {"manifest_json": {"a": 1}}]
)  # fmt: skip
def test_what_is_no_archive_is_refused(tmp_path: Path, content: Any) -> None:
    path = tmp_path / "a.tar"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        archive(path, **content)
    with pytest.raises(StageFailed, match="is not an image archive"):
        archived_images(path)


class SavingEngine:
    """Has one image, whatever it is called, and saves that of ``saves``."""

    def __init__(self, saves: str) -> None:
        self.saves = saves
        self.tags: dict[str, str] = {}

    def image(self, ref: str) -> ImageInfo | None:
        found = self.tags.get(ref)
        return ImageInfo(id=found, tags=("kept:1", ref)) if found else None

    def tag(self, image: str, ref: str) -> None:
        self.tags[ref] = image

    def untag(self, ref: str) -> None:
        del self.tags[ref]

    def save(self, refs: Sequence[str], path: str, scope: Scope) -> None:
        assert set(refs) <= set(self.tags)
        archive(Path(path), manifest_json=[
            {"Config": f"{self.saves}.json", "RepoTags": list(refs)},
        ])  # fmt: skip


def tags(saves: str = CONFIG) -> tuple[Any, ListJournal]:
    engine, journal = SavingEngine(saves), ListJournal()
    return TemporaryTags(engine, journal), journal  # type: ignore[arg-type]


def test_an_archive_is_written_with_names_that_are_gone_afterwards(tmp_path: Path) -> None:
    names, journal = tags()
    path = tmp_path / "new" / "folder" / "hello.tar"
    digest = save_archive({"hello:1": f"sha256:{CONFIG}"}, path, names, Scope())
    assert digest == file_digest(path)
    assert list(archived_images(path)) == ["hello:1"]
    assert names.engine.tags == {}
    assert ("archive", str(path)) in journal.done


def test_an_archive_with_another_image_is_refused(tmp_path: Path) -> None:
    names, _ = tags(saves="d" * 64)
    with pytest.raises(StageFailed, match="another image as hello:1"):
        save_archive({"hello:1": f"sha256:{CONFIG}"}, tmp_path / "a.tar", names, Scope())


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    names, _ = tags()
    with pytest.raises(StageFailed, match="cannot be written"):
        save_archive({"hello:1": f"sha256:{CONFIG}"}, tmp_path / "file" / "a.tar", names, Scope())
    assert names.engine.tags == {}


def test_the_digest_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"")
    assert file_digest(path) == (
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )


def test_a_full_disk_is_no_fault_of_the_images(tmp_path: Path) -> None:
    names, _ = tags()
    full = OSError(errno.ENOSPC, "No space left on device")
    with patch.object(names.engine, "save", side_effect=full), pytest.raises(Unusable) as caught:
        save_archive({"hello:1": f"sha256:{CONFIG}"}, tmp_path / "a.tar", names, Scope())
    assert "a.tar cannot be written: No space left" in caught.value.message
    assert caught.value.hint
