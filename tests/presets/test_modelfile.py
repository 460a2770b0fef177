"""The Modelfile reader: Ollama's rules case by case, and nothing but our own errors whatever the bytes."""

import base64
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.base.test_terminal import WRITTEN
from tests.depth import depth
from tests.presets.rune_by_rune import Refused, read
from tui.knobs.table import KNOBS
from tui.presets.checks import check
from tui.presets.modelfile import INSTRUCTIONS, Modelfile, ModelfileError, parse_modelfile, require_from
from tui.presets.parameters import check_version, parameters
from tui.presets.preset import messages, to_preset
from tui.presets.serialize import instruction, write_preset

CASES_FILE = Path(__file__).parents[2].parent / "shared" / "cases" / "modelfile.json"
CASES: list[dict[str, Any]] = json.loads(CASES_FILE.read_text()) if CASES_FILE.is_file() else []

# These depend on which files exist, which is for `tui.models.reference`.
ABOUT_FILES = ("no_model_files", "path_not_found")


def commands(text: str | bytes) -> list[tuple[str, str]]:
    modelfile = parse_modelfile(text)
    require_from(modelfile)
    return [(command.name, command.args) for command in modelfile.commands]


def fault(text: str | bytes) -> ModelfileError:
    with pytest.raises(ModelfileError) as caught:
        modelfile = parse_modelfile(text)
        require_from(modelfile)
        meaning(modelfile)
    return caught.value


def meaning(modelfile: Modelfile) -> tuple[dict[str, object], list[list[str]]]:
    for command in modelfile.commands:
        if command.name == "requires":
            check_version(command, "Modelfile")
    typed: dict[str, object] = {
        name: list(value) if isinstance(value, tuple) else value for name, value in parameters(modelfile).items()
    }
    return typed, [[message.role, message.content] for message in messages(modelfile)]


OWN = {
    "zwj-in-value": "x\u200dy", "soft-hyphen-in-value": "co\xadop", "ideographic-space": "a\u3000b",
    "line-separator": "a\u2028bc",
}  # fmt: skip
"""Where Ollama drops signs that people write: joiners of emoji, blanks of other scripts."""


@pytest.mark.skipif(not CASES, reason="the shared cases are not here")
@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_reads_as_ollama_does(case: dict[str, Any]) -> None:
    source = base64.b64decode(case["bytes_b64"]) if "bytes_b64" in case else case["text"]
    expect = case["expect"]
    if "error" in expect:
        found = fault(source)
        assert found.kind == expect["error"]
        if "line" in expect:
            assert found.counted == expect["line"]
        return
    modelfile = parse_modelfile(source)
    kept = OWN.get(case["id"])
    commands = [*expect["commands"][:-1], ["system", kept]] if kept else expect["commands"]
    assert [[command.name, command.args] for command in modelfile.commands] == commands
    if expect.get("create_error", ABOUT_FILES[0]) not in ABOUT_FILES:
        assert fault(source).kind == expect["create_error"]
        return
    typed, said = meaning(modelfile)
    assert typed == expect.get("parameters", typed)
    assert said == expect.get("messages", said)


@pytest.mark.parametrize(
    ("text", "line", "column", "advice"),
    [
        ("FROM x\r\n\r\nBOGUS y\r\n", 3, 1, "'BOGUS' is not an instruction"),
        ("FROM x\n  SYSTM hi\n", 2, 3, "Did you mean SYSTEM?"),
        ("FROM x\nFROM: y\n", 2, 1, "':' cannot follow FROM; write a blank"),
        ("FROM x\nSYSTEM\nhi", 2, 1, "SYSTEM has no value"),
        ("FROM x\nSYSTEM", 2, 1, "the file ends in 'SYSTEM'"),
        ('FROM x\nSYSTEM """one\ntwo"" \n', 2, 8, 'end the last line of the text with """'),
        ("FROM x\nPARAMETER top-k 5\n", 2, 11, "here stands '-' after 'top'"),
        ("FROM x\nPARAMETER  top_k 5\n", 2, 1, "two blanks follow PARAMETER"),
        ("FROM x\nPARAMETER topk 5\n", 2, 1, "Did you mean top_k?"),
        ("FROM x\nPARAMETER temperature 0.4 # calm\n", 2, 1, "a comment needs a line of its own"),
        ("FROM x\nMESSAGE User hi\n", 2, 9, "'User' is no role"),
        ("FROM x\nMESSAGE  user hi\n", 2, 9, "two blanks"),
        ("FROM x\nMESSAGE user\n", 2, 9, "here the line ends after 'user'"),
        ("FROM x\nPARAMETER message hi\n", 2, 1, "'hi' is no role"),
        ("# nothing\n", None, None, "there is no FROM line; write FROM starter"),
    ],
)
def test_an_error_says_where_and_what_to_write(text: str, line: int, column: int, advice: str) -> None:
    found = fault(text)
    assert (found.line, found.column) == (line, column)
    assert advice in str(found)
    assert str(found).startswith("Modelfile" if line is None else f"Modelfile, line {line}, column {column}: ")


@pytest.mark.parametrize(
    ("text", "line", "counted"),
    [
        ("FROM x\r\n\r\nBOGUS y\r\n", 3, 5),
        ("FROM x\nSYSTEM\n", 2, 3),
        ("FROM x\rBOGUS\r\nSYSTEM hi", 2, 3),
        ("FROM x\nPARAMETER top_k many\n", 2, 2),
    ],
)
def test_the_line_is_the_readers_and_ollamas_count_is_kept_beside_it(text: str, line: int, counted: int) -> None:
    found = fault(text)
    assert (found.line, found.counted) == (line, counted)


def test_the_leading_comment_is_the_description() -> None:
    read = parse_modelfile("\n# For facts,\n#\n#  and code.\r\n\nFROM x\n# not this\n")
    assert read.description == "For facts, and code."


def test_places_are_those_of_the_instruction() -> None:
    read = parse_modelfile("FROM x\r\n\r\n  SYSTEM hi\rPARAMETER seed 1")
    assert [(command.line, command.column) for command in read.commands] == [(1, 1), (3, 3), (4, 1)]
    text = '# a\n FROM x \r\nSYSTEM """one\n"""\t\n'
    spans = [text[command.start : command.end] for command in parse_modelfile(text).commands]
    assert spans == ["FROM x ", 'SYSTEM """one\n"""\t']


@pytest.mark.parametrize("blanks", ["", " ", "\t ", "\n\n", "# note\n"])
def test_f18_a_byte_order_mark_is_removed_once(blanks: str) -> None:
    assert commands(("\ufeff" + blanks + "FROM x").encode()) == [("model", "x")]
    assert commands(("\ufeff" + blanks + "FROM x").encode("utf-16-le")) == [("model", "x")]
    assert commands("\ufeff\ufeffFROM x".encode()) == [("model", "x")]
    assert fault("\ufeff\ufeff\ufeffFROM x".encode()).kind == "invalid_command"


def test_broken_utf8_is_replaced_as_ollama_does_it() -> None:
    assert commands(b"FROM x\nSYSTEM \xe2\x82|\xff")[1] == ("system", "\ufffd|\ufffd")
    assert commands(b"\xef\xbb\xbfFROM x\nSYSTEM \xe2\x82|\xff")[1] == ("system", "\ufffd\ufffd|\ufffd")


def test_blanks_inside_quotes_are_kept_on_every_line() -> None:
    text = 'FROM x\nSYSTEM """ a  \n\n b\t\n c """ \t\n'
    assert commands(text)[1] == ("system", " a  \n\n b\t\n c ")


def test_quotes_close_only_at_the_end_of_a_line() -> None:
    assert commands('FROM x\nSYSTEM "a" b\n"c"')[1] == ("system", 'a" b\n"c')
    assert commands('FROM x\nSYSTEM "\n"')[1] == ("system", "\n")
    assert commands('FROM x\nSYSTEM """"\n"""')[1] == ("system", '"\n')
    assert commands('FROM x\nSYSTEM "\x07"\x07"a"""')[1] == ("system", "a")
    assert commands('FROM x\nSYSTEM \x07 \t"a" \x07')[1] == ("system", "a")


def test_a_word_is_ascii() -> None:
    assert fault("FROM x\n\u017fYSTEM hi").kind == "invalid_command"


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("top_k", "-0", 0), ("top_k", "0" * 9000 + "7", 7), ("seed", "-9223372036854775808", -(2**63)),
        ("temperature", "5e-1", 0.5), ("temperature", "1.", 1.0), ("temperature", "+.5E+0", 0.5),
        ("temperature", "1e-99", 1e-99), ("temperature", "0X_1.8P1", 3.0), ("temperature", "1_0e0_1", 100.0),
        ("use_mmap", "F", False), ("use_mmap", "TRUE", True), ("stop", "", ("",)),
    ],
)  # fmt: skip
def test_values_are_typed_as_go_reads_them(name: str, text: str, value: object) -> None:
    assert parameters(parse_modelfile(f"FROM x\nPARAMETER {name} {text}")) == {name: value}


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("top_k", "9" * 9000, "invalid_int"), ("top_k", "5.0", "invalid_int"), ("top_k", "٥", "invalid_int"),
        ("top_k", "- 5", "invalid_int"), ("top_k", "", "invalid_int"),
        ("temperature", "1e40", "invalid_float"), ("temperature", "1__0", "invalid_float"),
        ("temperature", "0x1", "invalid_float"), ("temperature", "1_.5", "invalid_float"),
        ("temperature", "", "invalid_float"), ("temperature", ".", "invalid_float"),
        ("temperature", "+nan", "invalid_float"), ("temperature", "0x1p99999", "invalid_float"),
        ("temperature", "-Infinity", "not_serialisable"), ("use_mmap", "tRUE", "invalid_bool"),
        ("top_K", "5", "unknown_parameter"), ("from", "x", "unknown_parameter"),
    ],
)  # fmt: skip
def test_what_go_refuses_is_refused(name: str, text: str, kind: str) -> None:
    assert fault(f"FROM x\nPARAMETER {name} {text}").kind == kind


@pytest.mark.parametrize("version", ["0.14", "v1.2.3-rc.1+a", "1"])
def test_versions(version: str) -> None:
    assert commands(f"FROM x\nREQUIRES {version}")[1] == ("requires", version)
    meaning(parse_modelfile(f"FROM x\nREQUIRES {version}"))


@pytest.mark.parametrize("version", ["", "1.", "01.2", "1.2-rc", "latest", "1.2.3.4"])
def test_what_is_no_version(version: str) -> None:
    assert fault(f"FROM x\nREQUIRES {version}").kind == "invalid_requires"


def test_f18_a_large_hostile_file_is_read_in_one_pass() -> None:
    quotes = 'FROM x\nSYSTEM "' + "a\n" * 200_000
    assert fault(quotes).kind == "unexpected_eof"
    assert len(commands("FROM x\n" * 20_000)) == 20_000
    assert len(to_preset(parse_modelfile("FROM x\n" + "PARAMETER stop A\n" * 60_000), name="sea").knobs.stop) == 60_000
    assert fault("FROM x\nPARAMETER temperature " + "1" * 200_000 + "x").kind == "invalid_float"
    assert fault("FROM x\nPARAMETER top_k " + "0" * 200_000 + "x").kind == "invalid_int"


EXAMPLES = depth(150, 3000)
"""Files that each property below is tried on."""

many = settings(max_examples=EXAMPLES)

pieces = st.sampled_from([
    *INSTRUCTIONS, "from", "parameter", "user", "temperature", "stop", "0.5", '"', '"""', " ", "\t", "\n", "\r", "\r\n",
    "#", "x", "\x00", "\u200b", "\ufeff", "é", "日", "\ud800", "1", "_", ": ", *KNOBS, "true", "-2", "1e40", "starter",
])  # fmt: skip


def understood(source: str | bytes) -> None:
    """Read a preset in every way; what it makes of a file is written and read again."""
    modelfile = parse_modelfile(source)
    assert all("\x00" not in command.args for command in modelfile.commands)
    meaning(modelfile)
    preset = replace(to_preset(modelfile, name="sea"), notes=())
    assert preset.knobs
    assert replace(to_preset(parse_modelfile(write_preset(preset)), name="sea"), notes=()) == preset


@given(st.one_of(st.text(), st.binary(), st.lists(pieces).map("".join), st.lists(pieces).map(" ".join)))
@many
def test_f18_anything_is_read_or_refused_in_our_own_words(source: str | bytes) -> None:
    try:
        understood(source)
    except ModelfileError as error:
        assert str(error)


WHOLE = (
    '# d\nFROM x\nPARAMETER stop "a b"\nSYSTEM """one\ntwo"""\nMESSAGE user hi\nPARAMETER top_p 0.9\nADAPTER ./a.gguf\n'
    "PARAMETER mirostat 2\nPARAMETER sampler_order top_k;min_p\nTEMPLATE {{ .Prompt }}\nREQUIRES 0.14.0\nLICENSE mine\n"
    "PARAMETER use_mmap false\nMESSAGE assistant yes\nPARAMETER num_predict -2\nPARAMETER logit_bias #5:-100\n"
)


@given(st.lists(st.tuples(st.integers(0, len(WHOLE)), st.integers(0, 3), pieces), min_size=1, max_size=6))
@many
def test_a_damaged_file_is_read_or_refused_in_our_own_words(damage: list[tuple[int, int, str]]) -> None:
    text = WHOLE
    for place, length, piece in damage:
        text = text[:place] + piece + text[place + length :]
    try:
        understood(text)
    except ModelfileError as error:
        assert error.line is None or 1 <= error.line <= len(text) + 1


@given(
    st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), min_size=1, max_size=6),
    st.integers(0, 999),
)
@many
def test_damaged_bytes_are_read_or_refused_in_our_own_words(damage: list[tuple[int, int]], cut: int) -> None:
    source = bytearray(WHOLE.encode("utf-16" if cut % 5 == 0 else "utf-8"))
    for place, byte in damage:
        source[place] = byte
    with suppress(ModelfileError):
        understood(bytes(source[: -cut or None]))


lines = st.tuples(
    st.sampled_from(["FROM ", "SYSTEM ", "PARAMETER stop ", "PARAMETER top_k ", "MESSAGE user ", "# ", "PARSER\t", ""]),
    st.lists(pieces, max_size=4).map("".join),
    st.sampled_from(["\n", "\r\n", "\r", ' "\n', '"""\n', " \n"]),
).map("".join)


@given(st.lists(lines, max_size=8).map("".join) | st.lists(pieces).map("".join))
@many
def test_every_file_is_read_as_character_by_character(source: str) -> None:
    marked = "\ufeff" + source  # one mark is taken off
    try:
        expected = read(source)
    except Refused as refused:
        kind, line = refused.args
        with pytest.raises(ModelfileError) as caught:
            require_from(parse_modelfile(marked))
        assert caught.value.kind == kind
        assert line is None or caught.value.counted == line
    else:
        assert commands(marked) == expected


@given(st.text(st.characters(blacklist_categories=["C", "Z"], blacklist_characters='"'), min_size=1))
def test_a_quoted_printable_text_survives(text: str) -> None:
    assert commands(f'FROM x\nSYSTEM "{text}"')[1] == ("system", text)
    assert commands(f'FROM x\nSYSTEM """{text}\n{text}"""')[1] == ("system", f"{text}\n{text}")


@pytest.mark.parametrize("text", WRITTEN.values(), ids=WRITTEN)
@pytest.mark.parametrize("word", ["SYSTEM", "PARAMETER stop", "MESSAGE user", "TEMPLATE", "FROM"])
def test_a_text_is_what_the_person_wrote_in_every_script(word: str, text: str) -> None:
    source = f"FROM x\n{word} {text}\n"
    for written in (source, source.encode(), b"\xef\xbb\xbf" + source.encode(), source.encode("utf-16")):
        assert commands(written)[-1][1].removeprefix("user: ") == text
    assert instruction(word, text) == f"{word} {text}"
    assert not [finding for finding in check(source, Path("x.Modelfile")) if "dropped" in finding.text]
