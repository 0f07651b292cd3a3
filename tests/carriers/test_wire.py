"""JSON on the wire."""

from __future__ import annotations

import pytest

from carriers import wire


def test_text_survives_the_wire() -> None:
    """Names of five languages come back as they went, in compact UTF-8."""
    assert wire.to_bytes({"name": "Åse Nørgaard"}) == '{"name":"Åse Nørgaard"}'.encode()
    assert wire.from_bytes(wire.to_bytes({"name": "Åse"})) == {"name": "Åse"}


@pytest.mark.parametrize("text", [b"", b'{"a": 1', b"<html>", b'{"a": 1} x'])
def test_half_a_document_is_refused(text: bytes) -> None:
    """A cut or foreign body raises `ValueError`, which adapters read as Unknown."""
    with pytest.raises(ValueError):  # noqa: PT011 - the class is the contract, the words are the library's
        wire.from_bytes(text)
