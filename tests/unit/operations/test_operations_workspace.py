"""A workspace's folder, settings and files: whole or not at all, read strictly, written so that it reads back."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from exchange.errors import SourceError, WorkspaceError
from exchange.findings import disk
from exchange.operations import configuration, files
from exchange.operations.configuration import Settings
from exchange.operations.workspace import Workspace
from exchange.reports import converting

OWN = {"9999": {"type": "session", "index": True, "codes": [1, "a"]}}
NOW = datetime(2026, 11, 3, 9, tzinfo=UTC)


def create(folder, **changes):
    given = {
        "party": "agb:07999990", "name": "Praktijk (verzonnen)", "passphrase": None, "now": NOW, "on": NOW.date(),
        "user": "x",
    } | changes  # fmt: skip
    return Workspace.create(folder, **given)


# Settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"name": 'Praktijk "De Brug" \\ zoon', "contact": "a'b\tc"},
        {"name": "Ünïcode – €", "insurer": "line\nbreak", "contact": "del\x7f"},
        {"also": ("kvk:12345678", "oin:00000001234567890000"), "demo": True, "language": "en"},
        {"moments": (3, 6, 9), "every": 4, "gap_days": 180},
    ],
)
def test_settings_read_back_as_they_were_written(tmp_path, changes):
    settings = replace(Settings("agb:07999990", "Praktijk", instance="ab"), **changes)
    configuration.write(tmp_path, settings)
    assert configuration.read(tmp_path) == settings


@pytest.mark.parametrize(
    ("old", "new", "rule", "setting"),
    [
        ('id = "agb:07999990"', 'id = "bsn:999900006"', "workspace.setting-party", "organisation.id"),
        ('id = "agb:07999990"', "id = 7999990", "workspace.setting-party", "organisation.id"),
        ("also = []", 'also = ["kvk"]', "workspace.setting-parties", "organisation.also"),
        ("gap-days = 90", "gap-days = 3", "workspace.setting-gap", "loading.gap-days"),
        ("gap-days = 90", "gap-days = 'ninety'", "workspace.setting-gap", "loading.gap-days"),
        ("gap-days = 90", "gap-days = 90.7", "workspace.setting-gap", "loading.gap-days"),
        ("gap-days = 90", "gap-day = 30", "workspace.setting-unknown", "loading.gap-day"),
        ("evaluate-at = [4, 8, 12]", "evaluate-at = [0]", "workspace.setting-moments", "loading.evaluate-at"),
        ("evaluate-every = 0", "evaluate-every = -1", "workspace.setting-every", "loading.evaluate-every"),
        ("services = {}", "services = []", "workspace.setting-services", "loading.services"),
        ('language = "nl"', 'language = "fy"', "workspace.setting-language", "workspace.language"),
        ("demo = false", 'demo = "ja"', "workspace.setting-flag", "workspace.demo"),
        ("[plan]", "[plam]", "workspace.setting-unknown", "plam"),
        ("[organisation]", "[elsewhere]", "workspace.setting-unknown", "elsewhere"),
        ('instance = "ab"', "", "workspace.setting-missing", "workspace.instance"),
        ('name = "Praktijk"', "", "workspace.setting-missing", "organisation.name"),
        ('name = "Praktijk"', "name = 3", "workspace.setting-text", "organisation.name"),
    ],
)
def test_a_setting_that_is_off_is_refused_and_named(tmp_path, old, new, rule, setting):
    configuration.write(tmp_path, Settings("agb:07999990", "Praktijk", instance="ab"))
    file = tmp_path / "exchange.toml"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(WorkspaceError) as caught:
        configuration.read(tmp_path)
    assert (caught.value.rule, caught.value.params) == (rule, {"file": str(file), "setting": setting})
    assert caught.value.hints


@pytest.mark.parametrize(("old", "new"), [("[organisation]", "[organisation"), ("[plan]", "[plan]\nx y")])
def test_settings_that_are_no_toml_are_refused_by_their_line(tmp_path, old, new):
    configuration.write(tmp_path, Settings("agb:07999990", "Praktijk", instance="ab"))
    file = tmp_path / "exchange.toml"
    text = file.read_text(encoding="utf-8").replace(old, new)
    file.write_text(text, encoding="utf-8")
    with pytest.raises(WorkspaceError) as caught:
        configuration.read(tmp_path)
    line = 1 + text.splitlines().index(new.splitlines()[-1])
    assert (caught.value.rule, caught.value.params) == ("workspace.settings", {"file": str(file), "line": line})


def test_settings_in_another_encoding_are_refused_and_say_so(tmp_path):
    for data in (b"\xff\xfe\x00", 'name = "Ren\xe9e"'.encode("cp1252")):
        (tmp_path / "exchange.toml").write_bytes(data)
        with pytest.raises(WorkspaceError) as caught:
            configuration.read(tmp_path)
        assert (caught.value.rule, caught.value.hints) == ("workspace.settings-encoding", ("hint.settings-encoding",))


def test_settings_that_notepad_saved_are_read(tmp_path):
    settings = Settings("agb:07999990", "Renée", instance="ab")
    configuration.write(tmp_path, settings)
    file = tmp_path / "exchange.toml"
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n"))
    assert configuration.read(tmp_path) == settings


def test_settings_are_changed_whole_or_not_at_all(tmp_path, monkeypatch):
    settings = Settings("agb:07999990", "Praktijk", instance="ab")
    configuration.write(tmp_path, settings)
    before = (tmp_path / "exchange.toml").read_bytes()

    def full(_descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WorkspaceError) as caught:
        configuration.write(tmp_path, replace(settings, insurer="VGZ"))
    assert (caught.value.rule, caught.value.hints) == ("files.disk-full", ("hint.file-room",))
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("exchange.toml", before)]


def test_a_map_of_service_codes_survives_a_change_of_settings(tmp_path):
    with create(tmp_path / "w") as workspace:
        text = (workspace.folder / "exchange.toml").read_text()
    text = text.replace("services = {}", 'services = {"9999" = {type = "session", index = true, codes = [1, "a"]}}')
    (tmp_path / "w" / "exchange.toml").write_text(text)
    with Workspace.open(tmp_path / "w", passphrase=lambda _n: "", now=NOW, on=NOW.date(), user="x") as workspace:
        assert workspace.settings.services == OWN
        workspace.change(insurer="VGZ")
    assert configuration.read(tmp_path / "w").services == OWN
    assert configuration.read(tmp_path / "w").insurer == "VGZ"


# Making and opening -----------------------------------------------------------------------------------------------


def test_the_same_workspace_at_another_moment_shares_what_is_open(tmp_path):
    with create(tmp_path / "w") as workspace:
        store = workspace.store
        later = workspace.at(now=NOW.replace(year=2027), on=date(2027, 11, 3))
        assert later.store is store
        assert later.on == date(2027, 11, 3)


def test_every_identifier_of_an_organisation_is_its_own(tmp_path):
    with create(tmp_path / "w", also=("kvk:12345678",)) as workspace:
        assert workspace.parties == {"agb:07999990", "kvk:12345678"}
        assert set(workspace.card.parties) == workspace.parties


def test_an_organisation_without_a_name_is_refused(tmp_path):
    with pytest.raises(WorkspaceError) as caught:
        create(tmp_path / "w", name="  ")
    assert caught.value.rule == "workspace.no-name"
    assert not (tmp_path / "w").exists()


def test_a_file_in_the_way_is_left_alone(tmp_path):
    (tmp_path / "w").write_text("mine")
    with pytest.raises(WorkspaceError) as caught:
        create(tmp_path / "w")
    assert caught.value.rule == "workspace.not-empty"
    assert (tmp_path / "w").read_text() == "mine"


def test_a_workspace_is_found_from_any_folder_in_it(tmp_path):
    with create(tmp_path / "w"):
        pass
    assert Workspace.find(None, start=tmp_path / "w" / "inbox") == tmp_path / "w"
    assert Workspace.find(Path("elsewhere"), start=tmp_path) == Path("elsewhere")
    with pytest.raises(WorkspaceError) as caught:
        Workspace.find(None, start=tmp_path)
    assert caught.value.rule == "workspace.none"


def test_a_card_that_is_gone_is_said_to_be_gone(tmp_path):
    with create(tmp_path / "w") as workspace:
        pass
    (tmp_path / "w" / "keys" / "card.jws").unlink()
    workspace = Workspace.open(tmp_path / "w", passphrase=lambda _n: "", now=NOW, on=NOW.date(), user="x")
    with workspace, pytest.raises(WorkspaceError) as caught:
        _ = workspace.card
    assert caught.value.rule == "workspace.no-card"
    assert caught.value.hints


def test_nothing_is_unlocked_before_something_needs_it(tmp_path):
    asked = []
    with create(tmp_path / "w", passphrase="paarse fiets in de regen 7"):
        pass

    def passphrase(name):
        asked.append(name)
        return "paarse fiets in de regen 7"

    with Workspace.open(tmp_path / "w", passphrase=passphrase, now=NOW, on=NOW.date(), user="x") as workspace:
        assert workspace.card.name == "Praktijk (verzonnen)"
        assert asked == []
        assert workspace.store.partners.list() == ()
        assert workspace.store is workspace.store
    assert asked == ["Praktijk (verzonnen)"]


# Files ------------------------------------------------------------------------------------------------------------


def test_a_file_is_written_whole_and_over_an_older_one(tmp_path):
    files.write(tmp_path / "new" / "a.txt", b"one")
    files.write(tmp_path / "new" / "a.txt", b"two")
    assert (tmp_path / "new" / "a.txt").read_bytes() == b"two"
    assert [one.name for one in (tmp_path / "new").iterdir()] == ["a.txt"]


def test_what_cannot_be_written_is_said_and_leaves_nothing(tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder" / "inner").mkdir(parents=True)
    for goal in (tmp_path / "file" / "a.txt", tmp_path / "folder"):
        with pytest.raises(WorkspaceError) as caught:
            files.write(goal, b"x")
        assert caught.value.rule == "files.unwritable"
        assert caught.value.hints
    assert sorted(one.name for one in tmp_path.iterdir()) == ["file", "folder"]


def test_a_file_that_is_too_large_or_not_there_is_refused(tmp_path):
    (tmp_path / "a").write_bytes(b"12345")
    assert files.read(tmp_path / "a", most=5) == b"12345"
    with pytest.raises(SourceError) as large:
        files.read(tmp_path / "a", most=4)
    with pytest.raises(SourceError) as none:
        files.read(tmp_path / "b", most=4)
    assert (large.value.rule, none.value.rule) == ("files.too-large", "files.unreadable")
    assert json.dumps(large.value.params) == '{"file": "a", "most": 4}'


# The disk ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "rule", "unexpected"),
    [
        (errno.ENOSPC, "files.disk-full", "files.no-room"),
        (errno.EACCES, "files.no-access", "files.closed"),
        (errno.EROFS, "files.no-access", "files.closed"),
        (errno.ENAMETOOLONG, "files.unwritable", None),
    ],
)
def test_what_a_disk_refuses_is_said_in_our_words(tmp_path, number, rule, unexpected):
    with pytest.raises(WorkspaceError) as caught, disk.writing(tmp_path / "a"):
        raise OSError(number, os.strerror(number), str(tmp_path / ".a.part"))
    assert (caught.value.rule, caught.value.params["file"]) == (rule, str(tmp_path / "a"))
    known = disk.in_words(OSError(number, os.strerror(number), "a"))
    assert (known.rule if known else None) == unexpected


def test_a_page_whose_place_is_taken_is_said_to_be_so_and_leaves_nothing(tmp_path):
    (tmp_path / "page.html").mkdir()
    with pytest.raises(WorkspaceError) as caught:
        converting.publish(b"x", tmp_path / "page.html")
    assert caught.value.params["file"] == str(tmp_path / "page.html")
    assert [one.name for one in tmp_path.iterdir()] == ["page.html"]


def test_a_folder_that_can_not_be_made_is_no_workspace(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(WorkspaceError) as caught:
        create(tmp_path / "file" / "w")
    assert caught.value.rule == "files.unwritable"
