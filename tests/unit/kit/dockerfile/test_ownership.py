from __future__ import annotations

from pipeline.kit.dockerfile import ownership, parse


def test_generated_until_it_is_edited() -> None:
    text = ownership.sign("\nFROM scratch\n")
    assert ownership.is_untouched(text)
    assert not ownership.is_untouched(text + "USER 1\n")


def test_a_file_of_the_user_is_not() -> None:
    assert not ownership.is_untouched("FROM scratch\n")
    assert not ownership.is_untouched("")


def test_line_ends_that_git_changed_are_no_edit() -> None:
    text = ownership.sign("\nFROM scratch\n").replace("\n", "\r\n")
    assert ownership.is_untouched(text)


def test_the_header_is_a_comment_and_no_directive() -> None:
    assert parse(ownership.sign("\nFROM scratch\n")).directives == ()


def test_without_its_line_it_is_a_file_like_any_other() -> None:
    signed = ownership.sign("\nFROM scratch\n")
    for text in (signed, signed + "USER 1\n", signed.replace("\n", "\r\n")):
        assert ownership.is_signed(text)
        bare = ownership.unsigned(text)
        assert bare.startswith("FROM scratch")
        assert not ownership.is_signed(bare)
        assert ownership.unsigned(bare) == bare
