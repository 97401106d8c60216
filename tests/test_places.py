"""Texts with places: what people may write into files, and what they are told when it is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnibot.places import FORMS, Place, PlaceError, Template


def filled(text: str, **values: object) -> str:
    def write(place: Place) -> str:
        if place.cases is None:
            return str(values[place.name])
        count = values[place.name]
        case = place.cases.get(f"={count}") or place.cases["one" if count == 1 else "other"]
        return case.fill(lambda inner: str(count) if inner.name == "#" else write(inner))

    return Template.of(text).fill(write)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Hi {name}.", "Hi Ana."),
        ("Hi { name }.", "Hi Ana."),
        ("No place at all.", "No place at all."),
        ("", ""),
        ("{{name}} is no place", "{name} is no place"),
        ("since {name, since}", "since Ana"),
        ("{n, plural, one {one message} other {# messages}}", "3 messages"),
        ("{n,plural,one{one message}other{# messages} }", "3 messages"),
        ("{n, plural, =3 {three} other {#}} of {name}", "three of Ana"),
        ("{n, plural, one {x} other {# of {name}}}.", "3 of Ana."),
        ("#1", "#1"),
    ],
)
def test_places_are_filled(text: str, said: str) -> None:
    assert filled(text, name="Ana", n=3) == said


def test_a_number_alone_has_its_own_words() -> None:
    assert filled("{n, plural, one {a year} other {# years}}", n=1) == "a year"


def test_the_names_of_all_places_are_known() -> None:
    template = Template.of("{a} {b, on} {c, plural, one {{d}} other {# {e, since}}}")
    assert template.names == {"a", "b", "c", "d", "e"}
    assert [(place.name, place.form) for place in template.places if place.name != "#"] == [
        ("a", ""),
        ("b", "on"),
        ("c", "plural"),
        ("d", ""),
        ("e", "since"),
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "lacks a name at the end"),
        ("{name", "lacks a } at the end"),
        ("}", "has a } without its {"),
        ("{}", "lacks a name at '}'"),
        ("{na me}", "lacks a } at 'me}'"),
        ("{at, often}", "puts {at} in the form 'often', which there is not; there are on, since"),
        ("{n, plural, one {x}}", "has a plural of {n} without `other`"),
        ("{n, plural, much {x} other {y}}", "lacks one, other or another category of plurals"),
        ("{n, plural, other {x}", "lacks one, other or another category of plurals at the end"),
        ("{n, plural, other x}", "lacks a { at 'x}'"),
    ],
)
def test_what_is_wrong_is_told_with_what_to_do(text: str, told: str) -> None:
    with pytest.raises(PlaceError, match=r"^\w") as caught:
        Template.of(text)
    assert told in str(caught.value)


@given(st.text())
def test_any_text_is_taken_apart_or_refused(text: str) -> None:
    try:
        template = Template.of(text)
    except PlaceError:
        return
    assert template.text == text


@given(st.text())
def test_what_is_doubled_is_said_as_it_is(text: str) -> None:
    assert filled(text.replace("{", "{{").replace("}", "}}")) == text


def test_every_form_is_explained() -> None:
    for form in FORMS:
        assert filled(f"{{name, {form}}}", name="x") == "x"
