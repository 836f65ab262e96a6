"""Addresses: what a person may write, and what would be dangerous to accept."""

from pathlib import Path

import pytest

from exchange.errors import WorkspaceError
from exchange.transports import place
from exchange.transports.place import Address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("sftp://h/x", Address("h", "/x")),
        ("sftp://gp@sftp.example:2222/in/new", Address("sftp.example", "/in/new", "gp", 2222)),
        ("sftp://h", Address("h", ".")),
        ("sftp://h/~/in", Address("h", "in")),
        ("sftp://u%40practice.example@h/a%20b", Address("h", "/a b", "u@practice.example")),
        ("SFTP://[::1]/x", Address("::1", "/x")),
    ],
)
def test_an_address_is_read(text, address):
    assert place.read(text) == address
    assert place.read(str(address)) == address


@pytest.mark.parametrize("text", ["/mnt/share", "C:\\share", "..", "\\\\server\\share"])
def test_everything_else_is_a_folder(text):
    assert place.read(text) == Path(text)


@pytest.mark.parametrize(
    "text",
    ["ftp://h/x", "http://h/x", "sftp:///x", "sftp://h:0x/x", "sftp://h:99999/x", "sftp://-oProxyCommand=x/y",
     "sftp://h/x?y", "sftp://h/x#y", "sftp://h/%00", "sftp://h/%0a", "sftp://-u@h/x", "sftp://h h/x"],
)  # fmt: skip
def test_an_address_that_could_mean_something_else_is_refused(text):
    with pytest.raises(WorkspaceError) as caught:
        place.read(text)
    assert caught.value.rule == "transports.address"


def test_a_password_in_the_address_is_refused_and_not_repeated():
    with pytest.raises(WorkspaceError) as caught:
        place.read("sftp://u:geheim@h/x")
    assert caught.value.rule == "transports.password-in-address"
    assert "geheim" not in str(caught.value)
