"""Legacy code pages are told apart by whole words; what is no text is refused."""

from __future__ import annotations

import pytest

from infra.intake.encoding import decoded
from infra.intake.faults import DamagedFile


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Søren Nørgård;Østergade 4;København", "cp1252"),
        ("Åsa Sjögren;Järnvägsgatan 2;Göteborg", "cp1252"),
        ("Jürgen Weiß;Königsallee 1;Düsseldorf", "cp1252"),
        ("Íñigo Muñoz;Avenida de la Constitución;Málaga", "cp1252"),
        ("Łukasz Wójcik;ul. Kościuszki 5;Kraków", "cp1250"),
        ("Jiří Dvořák;Nádražní 3;Plzeň", "cp1250"),
        ("佐藤翔太;駅前1丁目;東京都千代田区;サンプル株式会社", "cp932"),
    ],
)
def test_code_page_is_told_by_its_words(text: str, encoding: str) -> None:
    """Danish is not read as Czech, nor Polish as French, nor Japanese as either."""
    found = decoded(text.encode(encoding))

    assert (found.text, found.encoding, found.guessed) == (text, encoding, True)


def test_proof_is_no_guess() -> None:
    """UTF-8 that decodes is UTF-8, with or without its mark."""
    assert decoded("Ærø".encode()) == ("Ærø", "utf-8", False)
    assert decoded("Ærø".encode("utf-8-sig")).text == "Ærø"


def test_bytes_without_meaning_still_read() -> None:
    """0x81 means nothing in Windows-1252: Latin-1 reads it, and the row's own check finds the control character."""
    assert decoded(b"a\x81b \xe6\xf8\xe5").text == "a\x81b æøå"


@pytest.mark.parametrize(
    "content", [b"\x00\x01" * 500, bytes(range(32)) * 10, b"\xff\xfeabc"], ids=["nul", "control", "half"]
)
def test_binary_is_refused(content: bytes) -> None:
    """Zeros, control characters and half a UTF-16 character are no text."""
    with pytest.raises(DamagedFile) as caught:
        decoded(content)

    assert caught.value.code == "not_text"


def test_one_control_character_is_a_rows_matter() -> None:
    """A single stray control character does not condemn the file."""
    assert decoded(b"x" * 200 + b"\x07").text.endswith("\x07")
