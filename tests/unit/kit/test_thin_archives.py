"""What the other engine has need not be sent."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from pipeline.kit.thin_archives import without_known


def archive(folder: Path, images: Mapping[str, Sequence[str]], link: str = "") -> Path:
    """As ``docker save`` writes it: image name → its layers."""
    path = folder / "images.tar"
    manifest = [
        {"Config": name, "Layers": [f"blobs/{layer}" for layer in layers]}
        for name, layers in images.items()
    ]
    files = {f"blobs/{layer}": layer for layers in images.values() for layer in layers}
    files |= {n: json.dumps({"rootfs": {"diff_ids": list(have)}}) for n, have in images.items()}
    files["manifest.json"] = json.dumps(manifest)
    with tarfile.open(path, "w") as whole:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            whole.addfile(info, io.BytesIO(text.encode()))
        if link:
            info = tarfile.TarInfo("link")
            info.type, info.linkname = tarfile.SYMTYPE, link
            whole.addfile(info)
    return path


def layers(path: Path) -> list[str]:
    with tarfile.open(path) as opened:
        for member in opened:
            file = opened.extractfile(member)
            assert file is None or len(file.read()) == member.size
        return [n.removeprefix("blobs/") for n in opened.getnames() if n.startswith("blobs/")]


@pytest.mark.parametrize(
    ("known", "sent"),
    [
        ([["base", "deps", "old"]], ["new"]),
        ([["base"], ["other"]], ["deps", "new"]),
        ([["base", "deps", "new", "more"]], []),
        ([["deps", "base"]], ["base", "deps", "new"]),  # the same, but not in that place
        ([[]], ["base", "deps", "new"]),
        ([], ["base", "deps", "new"]),
    ],
)
def test_layers_that_are_there_in_that_place_stay_here(
    known: list[list[str]], sent: list[str], tmp_path: Path
) -> None:
    whole = archive(tmp_path, {"image": ["base", "deps", "new"]})
    assert layers(without_known(whole, known)) == sent
    assert layers(whole) == ["base", "deps", "new"]


def test_a_layer_that_another_image_needs_is_sent(tmp_path: Path) -> None:
    whole = archive(tmp_path, {"one": ["base", "empty", "app"], "two": ["empty", "tool"]})
    assert layers(without_known(whole, [["base", "empty"]])) == ["empty", "app", "tool"]


def test_an_archive_with_links_is_left_whole(tmp_path: Path) -> None:
    whole = archive(tmp_path, {"image": ["base", "new"]}, link="blobs/base")
    assert without_known(whole, [["base"]]) == whole
