"""The heads of answers, as bytes."""

import pytest

from homing.server.dialects.base import JSON_TYPE, Answer
from homing.server.http.heads import Heads

DATE = b"date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"


def text(answer: Answer, *, method: str = "POST", keeps: bool = True) -> bytes:
    """Return an answer as it goes out."""
    heads = Heads()
    heads.tick(784_111_777)
    return heads.written(answer, method, keeps=keeps)


def test_an_answer() -> None:
    """An answer has its status, its headers, the time and the length of its body."""
    expected = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n" + DATE + b"content-length: 2\r\n\r\n{}"
    assert expected == text(Answer(200, b"{}"))
    assert expected == text(Answer(200, b"{}", [JSON_TYPE]))


def test_a_last_answer() -> None:
    """The last answer on a connection says so."""
    assert b"HTTP/1.1 408 Request Timeout\r\n" + DATE + b"content-length: 0\r\nconnection: close\r\n\r\n" == text(
        Answer(408, b"", ()), keeps=False
    )


@pytest.mark.parametrize("status", [204, 304])
def test_answers_without_a_body(status: int) -> None:
    """Some answers have neither body nor length (RFC 9110, section 8.6)."""
    assert b"content-length" not in text(Answer(status, b"", ()))


def test_an_answer_to_head() -> None:
    """Whoever asks for the head alone gets that, with the length of what the body would be."""
    assert text(Answer(405, b"{}"), method="HEAD").endswith(b"content-length: 2\r\n\r\n")
