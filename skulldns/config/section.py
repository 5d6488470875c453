"""What all sections of the config file share."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """What all sections share. Errors never show the value, since it may be a secret in the wrong place."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        arbitrary_types_allowed=True,
        hide_input_in_errors=True,
        validate_default=True,
        defer_build=True,  # each by itself costs more than all in one, when the file is read
    )
