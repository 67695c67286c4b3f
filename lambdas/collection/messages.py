"""Distinguishes the application's own messages in the collection queue from events of objects."""

from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from shared.schemas.messages import PicturesFetched, RemoveExcluded, UndoIngest

OwnMessage = UndoIngest | RemoveExcluded | PicturesFetched
_OWN: TypeAdapter[OwnMessage] = TypeAdapter(Annotated[OwnMessage, Field(discriminator="type")])


def own_message(body: str) -> OwnMessage | None:
    """A message that the application sent; None for the event of an object."""
    try:
        return _OWN.validate_json(body)
    except ValidationError:
        return None
