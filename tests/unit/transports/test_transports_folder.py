"""A dropped file appears whole, and never takes another's place."""

from pathlib import Path

import pytest

from exchange.errors import WorkspaceError
from exchange.transports.folder import drop, waiting


def test_a_file_arrives_under_its_own_name_and_nothing_else_stays(tmp_path: Path) -> None:
    source = tmp_path / "a.age"
    source.write_bytes(b"sealed")
    folder = tmp_path / "share"
    folder.mkdir()
    assert drop(source, folder).read_bytes() == b"sealed"
    assert drop(source, folder) == folder / "a.age"
    assert [path.name for path in folder.iterdir()] == ["a.age"]
    assert waiting(folder) == (folder / "a.age",)


def test_another_file_of_that_name_is_left_alone(tmp_path: Path) -> None:
    source = tmp_path / "a.age"
    source.write_bytes(b"sealed")
    folder = tmp_path / "share"
    folder.mkdir()
    (folder / "a.age").write_bytes(b"other")
    with pytest.raises(WorkspaceError) as caught:
        drop(source, folder)
    assert caught.value.rule == "transports.name-taken"
    assert (folder / "a.age").read_bytes() == b"other"


def test_a_share_without_hard_links_works_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr("os.link", refuse)
    source = tmp_path / "a.age"
    source.write_bytes(b"sealed")
    folder = tmp_path / "share"
    folder.mkdir()
    assert drop(source, folder).read_bytes() == b"sealed"
    assert [path.name for path in folder.iterdir()] == ["a.age"]


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    for act in (lambda: drop(tmp_path / "a", tmp_path / "none"), lambda: waiting(tmp_path / "none")):
        with pytest.raises(WorkspaceError) as caught:
            act()
        assert caught.value.rule == "transports.no-folder"
