"""Shapes of a conversation: templates differ in the form in which they take messages."""

from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise, product
from typing import Literal, NamedTuple

from tui.conversation.conversation import Message, Role

_BETWEEN = "\n\n"
"""Separator of joined messages."""

_PARTS: tuple[tuple[Role, ...], ...] = ((), ("system", "user", "assistant"), ("user",), ("user", "assistant"))
"""Roles whose content is a list of typed parts, in the order in which they are tried."""


class MessageShape(NamedTuple):
    """A form in which a template is given a conversation."""

    system: Literal["own", "first", "question"] = "own"
    """System messages as they are, as one at the beginning, or as part of the first question."""
    turns: Literal["any", "strict"] = "any"
    """`strict` if questions and replies alternate, beginning with a question."""
    parts: tuple[Role, ...] = ()
    """Roles whose content is a list of typed parts, not a text."""

    def arrange(self, messages: Sequence[Message]) -> list[Message]:
        """Return the messages in this form."""
        arranged = list(messages)
        system = [each for each in messages if each.role == "system"]
        if self.system != "own" and system:
            arranged = [_join(system, "system"), *(each for each in messages if each.role != "system")]
        if self.system == "question" and system:
            asks = 2 if arranged[1:2] and arranged[1].role == "user" else 1
            arranged[:asks] = [_join(arranged[:asks], "user")]
        if self.turns == "strict":
            arranged = [_join(list(same), role) for role, same in groupby(arranged, lambda each: each.role)]
            begins = 1 if arranged and arranged[0].role == "system" else 0
            if arranged[begins:] and arranged[begins].role == "assistant":
                arranged.insert(begins, Message("user", ""))
        return arranged

    def notices(self, messages: Sequence[Message]) -> Iterator[str]:
        """Yield sentences about what this form changes in the messages."""
        system = [each for each in messages if each.role == "system" and each.content.strip()]
        if self.system == "question" and system:
            yield "This model's chat template takes no system prompt: it is put before the first question."
        elif self.system == "first" and system[1:]:
            yield "This model's chat template takes one system prompt, at the beginning: all that it says is put there."
        if self.turns == "strict":
            before = self._replace(turns="any").arrange(messages)
            if any(one.role == other.role for one, other in pairwise(before)):
                yield "This model's chat template wants the roles by turns: messages of one role in a row are joined."
            if [each.role for each in before if each.role != "system"][:1] == ["assistant"]:
                yield "This model's chat template wants a question first: an empty one is put before the first reply."


def shapes(messages: Sequence[Message], *, parts: bool) -> Iterator[tuple[MessageShape, list[Message]]]:
    """Yield the forms that a conversation can take, each with the messages in it; the least changed comes first.

    `parts` is true if the template reads typed parts.
    """
    seen: list[list[Message]] = []
    for system, turns in product(("own", "first", "question"), ("any", "strict")):
        arranged = MessageShape(system, turns).arrange(messages)  # type: ignore[arg-type]
        if arranged not in seen:
            seen.append(arranged)
            for roles in _PARTS if parts else ((),):
                yield MessageShape(system, turns, roles), arranged  # type: ignore[arg-type]


def _join(messages: Sequence[Message], role: Role) -> Message:
    if len(messages) == 1 and messages[0].role == role:
        return messages[0]
    return Message(role, _BETWEEN.join(each.content for each in messages if each.content))
