"""A dropped file appears whole, and never takes another's place."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from exchange.errors import WorkspaceError
from exchange.transports import place
from exchange.transports.folder import Folder, drop, waiting
from exchange.transports.place import Lying


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


# What lies there ----------------------------------------------------------------------------------------------------


def test_only_plain_files_with_plain_names_are_picked_up(tmp_path):
    for name in ("a.age", "odd name.age", "con.age", ".hidden.age", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "folder.age").mkdir()
    (tmp_path / "link.age").symlink_to(tmp_path / "a.age")
    assert Folder(tmp_path).waiting() == Lying(("a.age",), odd=4)


def test_a_folder_with_too_many_entries_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr(place, "MOST_ENTRIES", 3)
    for number in range(4):
        (tmp_path / f"{number}.txt").touch()
    with pytest.raises(WorkspaceError) as caught:
        Folder(tmp_path).waiting()
    assert caught.value.rule == "transports.too-many"


def test_what_was_taken_in_is_kept_moved_or_deleted_and_never_overwrites(tmp_path):
    folder, file = Folder(tmp_path), tmp_path / "a.age"
    done = tmp_path / place.DONE
    file.write_bytes(b"one")
    folder.settle("a.age", place.KEEP)
    assert file.exists()
    folder.settle("a.age", place.MOVE)
    folder.settle("a.age", place.MOVE)  # gone already
    assert (done / "a.age").read_bytes() == b"one"
    file.write_bytes(b"one")
    folder.settle("a.age", place.MOVE)
    assert len(list(done.iterdir())) == 1
    file.write_bytes(b"another")
    folder.settle("a.age", place.MOVE)
    assert sorted(one.read_bytes() for one in done.iterdir()) == [b"another", b"one"]
    file.write_bytes(b"two")
    folder.settle("a.age", place.DELETE)
    assert not file.exists()


def test_what_is_fetched_is_a_copy_and_what_is_gone_is_none(tmp_path):
    (tmp_path / "a.age").write_bytes(b"one")
    into = tmp_path / "into"
    into.mkdir()
    assert Folder(tmp_path).fetch("a.age", into).read_bytes() == b"one"
    assert Folder(tmp_path).fetch("b.age", into) is None


def test_only_our_own_old_parts_are_swept_from_a_folder(tmp_path):
    now = datetime.now(UTC)
    file = tmp_path / "from" / "a.age"
    file.parent.mkdir()
    file.write_bytes(b"one")
    folder = tmp_path / "to"
    folder.mkdir()
    names = (".a.age.aaaaaaaa.1.part", ".b.age.aaaaaaaa.1.part", ".c.age.bbbbbbbb.1.part")
    for name in names:
        (folder / name).touch()
    for name in (names[0], names[2]):
        os.utime(folder / name, (0, 0))
    Folder(folder, mine="aaaaaaaa", now=now).drop(file)
    assert {one.name for one in folder.iterdir()} == {"a.age", names[1], names[2]}


def test_a_folder_that_takes_no_files_is_said(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    file = tmp_path / "a.age"
    file.write_bytes(b"one")
    (tmp_path / "to").mkdir()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WorkspaceError) as caught:
        Folder(tmp_path / "to").drop(file)
    assert caught.value.rule == "transports.broken-off"
    assert list((tmp_path / "to").iterdir()) == []
