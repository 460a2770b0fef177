"""Go's text/template, as far as chat templates use it."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.depth import depth
from tui.presets.gotemplate import TemplateError, read_template

DATA: dict[str, Any] = {
    "A": "a",
    "Empty": "",
    "N": 3,
    "List": ["x", "y", "z"],
    "Map": {"b": 2, "a": 1},
    "Deep": {"Er": {"Est": "d"}},
    "Yes": True,
    "Float": 1048576.0,
    "Tiny": 1e-7,
    "Umlaut": "xéy",
}


def said(source: str) -> str:
    return read_template(source).render(DATA)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("plain { text }", "plain { text }"),
        ("{{.A}}{{ .A }}", "aa"),
        ("x  {{- .A -}}  y", "xay"),
        ("x {{- /* no */ -}} y", "xy"),
        ("x {{/* no */}} y", "x  y"),
        ("{{ .Deep.Er.Est }}", "d"),
        ("{{ .Nope }}|{{ .Map.nope }}", "<no value>|<no value>"),
        ("{{ if .A }}1{{ else }}2{{ end }}{{ if .Empty }}1{{ else if .Yes }}3{{ else }}2{{ end }}", "13"),
        ("{{ with .Deep }}{{ .Er.Est }}{{ $.A }}{{ end }}{{ with .Empty }}1{{ else }}2{{ end }}", "da2"),
        ("{{ range .List }}{{ . }},{{ end }}", "x,y,z,"),
        ("{{ range $i, $x := .List }}{{ $i }}{{ $x }}{{ end }}", "0x1y2z"),
        ("{{ range $x := .List }}{{ $x }}{{ end }}", "xyz"),
        ("{{ range $k, $v := .Map }}{{ $k }}{{ $v }}{{ end }}", "a1b2"),
        ("{{ range .N }}{{ . }}{{ end }}", "012"),
        ("{{ range .Empty2 }}1{{ else }}none{{ end }}", "none"),
        ("{{ range .List }}{{ if eq . \"y\" }}{{ continue }}{{ end }}{{ . }}{{ end }}", "xz"),
        ("{{ range .List }}{{ if eq . \"y\" }}{{ break }}{{ end }}{{ . }}{{ end }}", "x"),
        ("{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ end }}{{ $x }}", "2"),
        ("{{ $x := 1 }}{{ if true }}{{ $x := 2 }}{{ end }}{{ $x }}", "1"),
        ("{{ and .A .Empty }}|{{ or .Empty .A }}|{{ not .A }}|{{ and 1 2 }}", "|a|false|2"),
        ("{{ eq .A \"b\" \"a\" }} {{ ne 1 2 }} {{ lt 1 2 }} {{ ge 2 2 }}", "true true true true"),
        ("{{ gt \"b\" \"a\" }} {{ le 3 2 }}", "true false"),
        ("{{ len .List }}{{ len .A }}{{ index .List 1 }}{{ index .Map \"b\" }}{{ slice \"abcd\" 1 3 }}", "31y2bc"),
        ("{{ .A | printf \"%s-%d\" \"x\" | len }}", "15"),
        ("{{ printf \"%5s|%-5s|%q|%v\" \"a\" \"b\" \"c\" .List }}", "    a|b    |\"c\"|[x y z]"),
        ("{{ printf \"%5.2f|%05d|%t|%%\" 1.5 -25 true }}", " 1.50|-0025|true|%"),
        ("{{ print 1 2 \"a\" 3 }}|{{ println 1 2 }}", "1 2a3|1 2\n"),
        ("{{ (index .List 0) }}{{ (.Deep).Er.Est }}", "xd"),
        ("{{ `raw\\n` }}{{ \"\\t\\u00e9\" }}{{ 1e3 }}{{ -2 }}{{ 1.5 }}", "raw\\n\té1000-21.5"),
        ("{{ .Map }}{{ .List }}{{ .Yes }}{{ .Nil | print }}", "map[a:1 b:2][x y z]true<nil>"),
        ("{{ define \"t\" }}<{{ . }}>{{ end }}{{ template \"t\" .A }}{{ template \"t\" }}", "<a><<no value>>"),
        ("{{ block \"b\" .A }}[{{ . }}]{{ end }}", "[a]"),
        ("{{ json .Map }}{{ json \"<&>\" }}", '{"a":1,"b":2}"\\u003c\\u0026\\u003e"'),
        ("{{ .Float }} {{ .Tiny }} {{ 1048576.0 }} {{ json .Float }}", "1.048576e+06 1e-07 1.048576e+06 1048576"),
        ("{{ slice .Umlaut 1 2 | printf \"%q\" }}{{ slice .Umlaut 0 2 }}{{ slice .Umlaut 2 3 }}", "\"\\xc3\"xé"),
        ("{{ print (slice .Umlaut 0 2) (slice .Umlaut 2 4) }}{{ len .Umlaut }}", "xéy4"),
        ("{{ .5 }}{{ 5. }}{{ 0 }}{{ +1.5e+3 }}", "0.5501500"),
        ("{{ printf \"%s %d %!\" 1 \"a\" }}{{ printf \"%\" }}", "%!s(int=1) %!d(string=a) %!!(MISSING)%!(NOVERB)"),
        ("{{ (.Nope).X }}{{ $x := .Nope }}{{ $x.Y }}{{ .Map.nope }}", "<no value><no value><no value>"),
        ("{{ range $x := .Nope }}{{ else }}{{ $x }}{{ end }}", "<no value>"),
        ("{{ if $x := .Empty }}{{ else if eq $x \"\" }}yes{{ end }}", "yes"),
        ("{{ with .Empty }}{{ else with .A }}{{ . }}{{ end }}", "a"),
        ("{{ $x := 0 }}{{ range $x = .List }}{{ end }}{{ $x }}", "z"),
        ("{{ eq .Nope .Nope }}{{ eq 1 1 \"a\" }}{{ eq .Map .Nope }}", "truetruefalse"),
        ("{{ .A | }}", "a"),
    ],
)  # fmt: skip
def test_what_it_says(source: str, text: str) -> None:
    assert said(source) == text


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("a\n  {{ .A", "line 2, column 3: {{ is not closed; write }}"),
        ("{{ if .A }}x", "line 1, column 4: {{ if }} has no {{ end }}"),
        ("x{{ end }}", "line 1, column 5: {{ end }} has nothing to end"),
        ("{{ trim .A }}", "line 1, column 4: there is no function 'trim'"),
        ("{{ $x }}", "line 1, column 4: there is no variable $x"),
        ("{{ .A | 3 }}", "after | stands a function"),
        ("{{ }}", "a value is missing"),
        ("{{ break }}", "break stands outside of a range"),
        ("{{ (.A }}", "( is not closed"),
        ("{{ .A.B }}", "'a' has no field .B"),
        ("{{ .Nope.B }}", "nothing has a field .B"),
        ("{{ range .A }}{{ end }}", "range cannot go over 'a'"),
        ("{{ index .List 9 }}", "index 9 is out of range"),
        ("{{ eq 1 \"a\" }}", "eq cannot compare values of different types"),
        ("{{ template \"no\" }}", "there is no template 'no'"),
        ("{{ define \"t\" }}{{ template \"t\" }}{{ end }}{{ template \"t\" }}", "call each other too deeply"),
        ("{{ range 1000000 }}{{ end }}{{ range 1000000 }}x{{ end }}", "it runs for too long"),
        ("{{ range 1000 }}{{ printf \"%9999s%9999s\" \"a\" \"b\" }}{{ end }}", "it prints too much"),
        ("{{ range 1000000000000 }}{{ end }}", "it runs for too long"),
        ("{{ $x := .A }}{{ range 60 }}{{ $x = print $x $x }}{{ end }}", "it makes too much text"),
        ("{{ $x := .A }}{{ range 60 }}{{ $x = json (print $x $x \"&\") }}{{ end }}", "it makes too much text"),
        ("{{ $x := \"%[1]s\" }}{{ range 20 }}{{ $x = print $x $x }}{{ end }}{{ printf $x $x }}", "it prints too much"),
        ("{{ range 100000 }}{{ $x := printf \"%999999d\" 1 }}{{ end }}", "it makes too much text"),
        ("{{ nil }}", "nil stands for no value alone"),
        ("{{ if .Empty }}{{ $x := 1 }}{{ else }}{{ $x }}{{ end }}", "there is no variable $x here"),
        ("{{ range $i, $x := 3 }}{{ end }}", "takes one variable"),
        ("{{ range .List }}{{ else if .A }}{{ end }}", "{{ else if }} belongs to an if, not to this range"),
        ("{{ if .A }}{{ define \"t\" }}{{ end }}{{ end }}", "define stands inside of another block"),
        ("{{ define \"t\" }}a{{ end }}{{ define \"t\" }}b{{ end }}", "the template 't' is defined twice"),
        ("{{ \"\\d\" }}", "cannot be read"), ("{{ \"\\ud800\" }}", "cannot be read"), ("{{ 08 }}", "cannot be read"),
        ("{{ 0x10 }}", "cannot be read"), ("{{ 017 }}", "cannot be read"), ("{{ \"\\x41\" }}", "cannot be read"),
        ("{{ 'a' }}", "\"'\" does not belong into an action"), ("{{ html .A }}", "there is no function 'html'"),
        ("{{ 1__0 }}", "cannot be read"), ("{{ 99999999999999999999 }}", "cannot be read"),
        ("{{ 1e999 }}", "cannot be read"),
        ("{{ if true }}" * 500, "it is nested too deeply"),
        ("{{ " + "(" * 500 + " }}", "it is nested too deeply"),
    ],
)  # fmt: skip
def test_what_it_cannot_say(source: str, message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        said(source)
    assert message in str(caught.value)


PIECES = (
    "{{", "}}", "{{-", "-}}", " ", "if", "else", "end", "range", "with", "define", "template", "block", "break", ".A",
    ".", "$", "$x", ":=", "=", "|", "(", ")", ",", '"a"', "`", "'", "1", "-", "0x", "1e9", "eq", "and", "printf", "%s",
    "%9999d", "json", "index", ".List", "/*", "*/", "\n", "text", "é", "\x00",
)  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join) | st.text(max_size=60))
@settings(max_examples=depth(150, 3000))
def test_nothing_but_its_own_errors_comes_out(source: str) -> None:
    try:
        read_template("{{ " + source).render(DATA)
        read_template(source).render(DATA)
    except TemplateError as error:
        assert str(error).startswith("The template cannot be used: ")
