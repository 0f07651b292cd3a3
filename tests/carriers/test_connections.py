"""A carrier's code leads to its adapter."""

from __future__ import annotations

import pytest

from carriers.connections import UnknownCarrierError, connect
from tests.carriers.makers import credentials


def test_known_code_gives_its_adapter() -> None:
    """The adapter says which carrier it is; nothing is sent yet, so no carrier needs to be there."""
    carrier = connect("ups", base_url="http://127.0.0.1:9", credentials=credentials())

    assert carrier.code == "ups"
    carrier.close()


def test_unknown_code_names_the_known_ones() -> None:
    """The error says what to write instead."""
    with pytest.raises(UnknownCarrierError, match=r"'pigeon'; known are \['ups'\]"):
        connect("pigeon", base_url="https://example.com", credentials=credentials())


@pytest.mark.parametrize("url", ["http://onlinetools.ups.com", "ftp://127.0.0.1", "onlinetools.ups.com"])
def test_clear_text_is_refused(url: str) -> None:
    """Credentials travel over TLS, except to this machine."""
    with pytest.raises(ValueError, match="clear text"):
        connect("ups", base_url=url, credentials=credentials())


def test_secrets_do_not_show() -> None:
    """Neither the credentials nor the adapter print the secret."""
    carrier = connect("ups", base_url="http://127.0.0.1:9", credentials=credentials())

    assert "s3cret-value" not in repr(credentials()) + repr(carrier) + str(carrier)
    carrier.close()
