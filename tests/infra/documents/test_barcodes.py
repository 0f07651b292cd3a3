import pypdfium2
import pytest
import typst
from PIL import Image

from infra.documents.barcodes import NotEncodableError, code128_svg, decode, modules, qr_svg


def scan(svg: str) -> tuple[str, ...]:
    """Printed two points to a module with a white margin, rendered, and read."""
    width = 2 * modules(svg)
    page = f"#set page(width: {width + 80}pt, height: auto, margin: 40pt)"
    drawing = svg.replace('"', '\\"')
    pdf = typst.compile(f'{page}\n#image(bytes("{drawing}"), width: {width}pt)'.encode(), format="pdf")
    return decode(pypdfium2.PdfDocument(pdf)[0].render(scale=2, grayscale=True).to_pil())


@pytest.mark.parametrize("text", ["7F3K9QXM2B5T0001", "1Z999AA10123456784", "1234567890123456", "A b~c"])
def test_code_128_reads_back(text):
    """What is drawn is what a scanner reads."""
    assert (text,) == scan(code128_svg(text))


@pytest.mark.parametrize("text", ["W-1", "CPH-2026-11-20-W3", "København ✓", "https://example.com/waves/17"])
def test_qr_reads_back(text):
    """Short texts and letters outside ASCII survive the QR code."""
    assert (text,) == scan(qr_svg(text))


def test_short_qr_is_a_full_qr():
    """A short wave name never becomes a Micro QR (11 to 17 modules), which many hand scanners refuse: 21 + 2 x 4."""
    assert modules(qr_svg("W1")) == 29


def test_sixteen_characters_fit_211_modules():
    """Start, 16 characters and check of 11 modules each, stop of 13: 18 x 11 + 13 = 211, what the page allows."""
    assert modules(code128_svg("PD7K2M9QX4TB3WHC")) == 211


@pytest.mark.parametrize("text", ["", "Ærø", "two\nlines", "x" * 49])
def test_code_128_refuses_what_it_cannot_say(text):
    """Letters outside ASCII, control characters, nothing, and too much are refused before anything is printed."""
    with pytest.raises(NotEncodableError):
        code128_svg(text)


@pytest.mark.parametrize("text", ["", "x" * 501])
def test_qr_refuses_nothing_and_too_much(text):
    """A QR code that would be empty or too dense is refused."""
    with pytest.raises(NotEncodableError):
        qr_svg(text)


def test_blank_paper_holds_no_code():
    """The reader reads pixels: where nothing was drawn it finds nothing."""
    assert decode(Image.new("L", (400, 200), 255)) == ()
