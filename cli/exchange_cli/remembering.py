"""The passphrase in the keyring of the system, on request: Credential Manager, Keychain, Secret Service."""

from __future__ import annotations

from exchange.errors import ExchangeError

SERVICE = "outcome-exchange"


def remember(name: str, passphrase: str) -> None:
    """Keep a passphrase and read it back; say so where the system has no keyring that keeps it."""
    import keyring
    from keyring.errors import KeyringError

    try:
        keyring.set_password(SERVICE, name, passphrase)
        if keyring.get_password(SERVICE, name) == passphrase:
            return
    except (KeyringError, OSError):
        pass
    raise ExchangeError("keeping.not-remembered", hints=("hint.keeping-remember",))


def forget(name: str) -> None:
    """Remove a passphrase, where one was kept."""
    import keyring
    from keyring.errors import KeyringError

    try:
        if keyring.get_password(SERVICE, name) is not None:
            keyring.delete_password(SERVICE, name)
    except (KeyringError, OSError):
        raise ExchangeError("keeping.not-remembered", hints=("hint.keeping-remember",)) from None
