"""What a visitor typed or uploaded, as tokens; what cannot be used is answered by one sentence."""

from __future__ import annotations

from collections import Counter

from models.paper import BadInput, Text, TextPair, Token
from models.tokens import tokenizer

LONGEST = 100_000  # characters; no network here reads a hundredth of it, and a tokenizer takes its time over more


def plain(source: bytes | str) -> str:
    """The text itself: UTF-8 decoded, line ends made one kind. Raises BadInput for what is not text, or empty."""
    if len(source) > 4 * LONGEST:
        raise BadInput(f"That is {len(source):,} characters long; a text has {LONGEST:,} at most.")
    if isinstance(source, bytes):
        try:
            source = source.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise BadInput("That file is not plain text in UTF-8; save it as a text file and try again.") from None
    try:
        source.encode("utf8")
    except UnicodeEncodeError:
        raise BadInput("That text has halves of characters in it; copy it anew from where it comes from.") from None
    if any(ord(c) < 32 and c not in "\n\r\t\f\v" for c in source):
        raise BadInput("That text has control characters in it, as files that are not plain text have.")
    text = source.replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        raise BadInput("There is no text in that; type a few words.")
    if len(text) > LONGEST:
        raise BadInput(f"That is {len(text):,} characters long; a text has {LONGEST:,} at most.")
    return text


def tokens(kind: Text, source: bytes | str) -> tuple[Token, ...]:
    """The tokens of a text with the special ones around it. Raises BadInput for too many, and for unseen writing."""
    text = plain(source)
    if kind.small:
        text = f" {text.strip().lower()}"
    own = known(kind, text)
    if not own:  # a vocabulary of whole words takes no notice of anything else
        raise BadInput("There is no word in that, and this network reads nothing else; type a few words.")
    if {token.id for token in own} == {_unknown(kind)}:
        raise BadInput("This network knows none of these words; all are one and the same to it. Type others.")
    found = (*_special(kind.tokenizer, kind.before), *own)
    return _fitting((*found, *_special(kind.tokenizer, kind.after)), kind.context, "text")


def pair(kind: TextPair, source: bytes | str) -> tuple[tuple[Token, ...], tuple[Token, ...]]:
    """Source tokens and `end`; `start` and target tokens. Raises BadInput."""
    text, _, target = plain(source).strip("\n").partition("\t")
    if not text.strip():
        raise BadInput(f"There is no {kind.languages[0]} sentence before the tab; type a few words.")
    start, end = _special(kind.tokenizer, (kind.start,)), _special(kind.tokenizer, (kind.end,))
    given = (*known(kind, text.strip()), *end)
    said = (*start, *known(kind, target.strip()))
    return (
        _fitting(given, kind.context, f"{kind.languages[0]} sentence"),
        _fitting(said, kind.context, f"{kind.languages[1]} sentence"),
    )


def count(kind: Text | TextPair, text: str) -> int:
    """The tokens of a text, or of a pair's source alone, special ones included, however many they are."""
    pair = isinstance(kind, TextPair)
    around = (kind.end,) if isinstance(kind, TextPair) else (*kind.before, *kind.after)
    own = _cut(kind.tokenizer, text.strip() if pair else text)
    return len(own) + len(_special(kind.tokenizer, around))


def unknown(kind: Text | TextPair, found: tuple[Token, ...]) -> str:
    """One sentence where a network of whole words does not know some of these; else nothing."""
    own = [token for token in found if token.end > token.start]
    none = _unknown(kind)
    lost = [token.text for token in own if token.id == none]
    if not lost:
        return ""
    names = ", ".join(f"“{name[:20]}”" for name in lost[:3]) + ", ..." * (len(lost) > 3)
    return f"It does not know {len(lost)} of these {len(own)} words ({names}): all such are one and the same to it."


def _unknown(kind: Text | TextPair) -> int | None:
    """The token of all words that are not in the vocabulary, where whole words are read."""
    found = tokenizer(kind.tokenizer)
    name: str = getattr(found.model, "unk_token", None) or ""
    return found.token_to_id(name)


def known(kind: Text | TextPair, text: str) -> tuple[Token, ...]:
    """The tokens of a text. Raises BadInput where most are single bytes of a letter: such writing was not in the training."""
    found = _cut(kind.tokenizer, text)
    spans = Counter((token.start, token.end) for token in found)
    parts = sum(count for count in spans.values() if count > 1)
    if 2 * parts > len(found):
        raise BadInput(
            f"This network never saw such writing: {parts} of its {len(found)} tokens are bytes, several to a letter."
        )
    return found


def _cut(slug: str, text: str) -> tuple[Token, ...]:
    cut = tokenizer(slug).encode(text, add_special_tokens=False)
    return tuple(Token(id, text[start:end], start, end) for id, (start, end) in zip(cut.ids, cut.offsets, strict=True))


def _special(slug: str, names: tuple[str, ...]) -> tuple[Token, ...]:
    ids = {name: tokenizer(slug).token_to_id(name) for name in names}
    return tuple(Token(id, name, 0, 0) for name, id in ids.items() if id is not None)


def _fitting(found: tuple[Token, ...], context: int, what: str) -> tuple[Token, ...]:
    if len(found) > context:
        raise BadInput(f"That {what} is {len(found):,} tokens long; this network reads {context} at most: shorten it.")
    return found
