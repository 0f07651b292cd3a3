from datetime import datetime

import pytest

from infra.clock import NaiveInstantError
from infra.documents.press import foldable, press
from tests.infra.documents.papers import make_pick_list


def test_short_words_stay_whole():
    """Text that fits is left as it is, so it can be searched and copied."""
    assert foldable("Studio X50 codec", 10) == "Studio X50 codec"


def test_long_word_gets_places_to_break():
    """Only the word that is wider than its column gets invisible places to break."""
    assert foldable("an ABCDEF", 4) == "an A\u200bB\u200bC\u200bD\u200bE\u200bF"


def test_controls_become_spaces():
    """A line break from outside opens no line of its own on paper."""
    assert foldable("one\ntwo\x00three", 10) == "one two three"


def test_press_is_kept():
    """A template is loaded once: the second document is what the warm compiler is for."""
    assert press("pick_list.typ") is press("pick_list.typ")


def test_naive_print_time_is_refused():
    """A creation date without a zone would differ from machine to machine."""
    naive = datetime(2026, 11, 20, 14)  # noqa: DTZ001 - the mistake under test
    with pytest.raises(NaiveInstantError):
        press("pick_list.typ").pdf({"lines": make_pick_list().wave}, printed_at=naive)
