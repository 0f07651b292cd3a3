import pytest

from infra.documents.brand import Brand


@pytest.mark.parametrize(
    ("colour", "ink"),
    [("#000000", "#ffffff"), ("#1f4e5f", "#ffffff"), ("#ffffff", "#000000"), ("#ffd400", "#000000")],
)
def test_ink_can_be_read_on_the_colour(colour, ink):
    """Dark brands get white letters, light brands black ones."""
    assert Brand(name="Nordic AV", email="a@example.com", colour=colour).ink == ink


@pytest.mark.parametrize("colour", ["red", "#12345", "#1234567", "#000000;background:url(https://example.com)", ""])
def test_only_plain_colours_reach_the_style_sheet(colour):
    """A colour that carries more than a colour is refused when the brand is made."""
    with pytest.raises(ValueError, match="colour"):
        Brand(name="Nordic AV", email="a@example.com", colour=colour)
