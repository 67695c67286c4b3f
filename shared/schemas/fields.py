"""Types of fields that several models of the API have, each with its description."""

from typing import Annotated

from pydantic import Field

NextCursor = Annotated[
    str | None,
    Field(
        description="Requests the entries that follow: send it as `cursor`, with everything else"
        " unchanged. Null if this answer has the last ones."
    ),
]
Warnings = Annotated[
    list[str],
    Field(
        description="Sentences for a person: what was ignored, left out, or done in another way"
        " than asked. Empty if there is nothing to say."
    ),
]
ModelVersion = Annotated[
    str, Field(description="Version of the model that answered: its folder below `models/`.")
]
IndexVersion = Annotated[
    str | None,
    Field(
        description="Version of the index of reviews that was read. Null if no index can be"
        " used, as before the first reviews are processed."
    ),
]
ReviewId = Annotated[
    str,
    Field(
        description="Identity of a review, the same in every answer: the source and the id that"
        " the review has there, or `h:` and a hash of its content where a dump has no ids."
    ),
]
ProductIdOrNone = Annotated[
    str | None,
    Field(description="Id of the product as dumps write it. Null if the dump names no product."),
]
RatingOrNone = Annotated[
    float | None,
    Field(
        description="Stars from 1 to 5; other scales are converted to it. Null if the review has"
        " no rating."
    ),
]
ReviewTitle = Annotated[
    str | None, Field(description="Headline that the reviewer wrote. Null if there is none.")
]
ProductTitle = Annotated[
    str | None,
    Field(description="Name of the product in the dumps. Null if none of them has it."),
]
ReviewsLink = Annotated[
    str,
    Field(
        description="Path and query of `GET /reviews` that list exactly the reviews behind these"
        " figures. It is relative to the address of the API."
    ),
]
Confidence = Annotated[
    float,
    Field(
        description="Calibrated probability of `sentiment`, from 0 to 1, rounded to six decimals."
    ),
]
IngestId = Annotated[
    str,
    Field(
        description="Id of the ingest, `ing_` and 24 hexadecimal digits. It is made from bucket,"
        " key and ETag, so the same version of an object always has the same id."
    ),
]
